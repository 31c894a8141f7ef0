"""Channel attention (squeeze and excitation), a part of other blocks."""

from typing import Literal

from antcost.errors import ShapeError
from antcost.graph.shape import certain
from antcost.graph.tape import Tape, Tensor

Place = Literal["after_depthwise", "before_expansion", "after_projection", "none"]
Attention = Place | None
"""Where a block has its channel attention; null is after_depthwise, if there is a reduction."""


def channel_attention(net: Tape, x: Tensor, reduction: int, bias: bool) -> Tensor:
    """Attention of width c // r (ANTNets section 3.2); without biases its cost is Eq. 9."""
    return squeeze_excite(net, x, reduced(x.c, reduction), bias=bias)


def reduced(channels: int, reduction: int) -> int:
    """Return the channels that a reduction leaves, rounded down. Raises ShapeError if there are
    none.
    """
    if certain(reduction > channels):
        raise ShapeError(f"reduction={reduction} leaves none of {channels} channels", "reduction")
    return channels // reduction


def squeeze_excite(
    net: Tape,
    x: Tensor,
    width: int,
    *,
    bias: bool,
    activation: Literal["relu", "silu"] = "relu",
    gate: Literal["sigmoid", "hardsigmoid"] = "sigmoid",
) -> Tensor:
    """Weigh the channels by what the whole map holds: pool, c -> width -> c, gate, multiply.

    Other code has 1x1 convolutions of a single point in place of the linear layers.
    """
    with net.scope("attention"):
        weights = net.flatten(net.global_avg_pool(x))
        weights = net.linear(weights, width, bias=bias, name="reduce")
        weights = net.activation(weights, activation, name=activation)
        weights = net.linear(weights, x.c, bias=bias, name="restore")
        weights = net.activation(weights, gate, name=gate)
        return net.multiply(x, weights)


def attention_place(attention: Attention, reduction: int | None) -> Place:
    """Return where the attention goes. There is none without a reduction, unless a place was
    asked for.
    """
    if attention is None:
        return "none" if reduction is None else "after_depthwise"
    if attention != "none" and reduction is None:
        raise ShapeError(f"attention={attention} needs a reduction", "reduction")
    return attention
