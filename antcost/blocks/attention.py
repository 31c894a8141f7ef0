"""Channel attention (squeeze and excitation), a part of other blocks."""

from typing import Literal

from antcost.errors import ShapeError
from antcost.graph.tape import Tape, Tensor

Attention = Literal["after_depthwise", "before_expansion", "after_projection", "none"]


def channel_attention(net: Tape, x: Tensor, reduction: int, bias: bool) -> Tensor:
    """Weigh the channels by what the whole map holds: pool, c -> c // r -> c, sigmoid, multiply.

    ANTNets section 3.2; without biases its cost is Eq. 9.
    """
    if reduction > x.c:
        raise ShapeError(f"reduction={reduction} leaves none of {x.c} channels", "reduction")
    with net.scope("attention"):
        weights = net.flatten(net.global_avg_pool(x))
        weights = net.linear(weights, x.c // reduction, bias=bias, name="reduce")
        weights = net.activation(weights, "relu", name="relu")
        weights = net.linear(weights, x.c, bias=bias, name="restore")
        weights = net.activation(weights, "sigmoid", name="sigmoid")
        return net.multiply(x, weights)
