"""Channel attention (squeeze and excitation), a part of other blocks."""

from typing import Literal

from antcost.errors import ShapeError
from antcost.graph.shape import certain
from antcost.graph.tape import Tape, Tensor

Place = Literal["after_depthwise", "before_expansion", "after_projection", "none"]
Attention = Place | None
"""Where a block has its channel attention; null is after_depthwise, if there is a reduction."""


def channel_attention(net: Tape, x: Tensor, reduction: int, bias: bool) -> Tensor:
    """Weigh the channels by what the whole map holds: pool, c -> c // r -> c, sigmoid, multiply.

    ANTNets section 3.2; without biases its cost is Eq. 9.
    """
    if certain(reduction > x.c):
        raise ShapeError(f"reduction={reduction} leaves none of {x.c} channels", "reduction")
    with net.scope("attention"):
        weights = net.flatten(net.global_avg_pool(x))
        weights = net.linear(weights, x.c // reduction, bias=bias, name="reduce")
        weights = net.activation(weights, "relu", name="relu")
        weights = net.linear(weights, x.c, bias=bias, name="restore")
        weights = net.activation(weights, "sigmoid", name="sigmoid")
        return net.multiply(x, weights)


def attention_place(attention: Attention, reduction: int | None) -> Place:
    """Where the attention goes. There is none without a reduction, unless a place was asked for."""
    if attention is None:
        return "none" if reduction is None else "after_depthwise"
    if attention != "none" and reduction is None:
        raise ShapeError(f"attention={attention} needs a reduction", "reduction")
    return attention
