"""The module of Xception (arXiv 1610.02357)."""

from typing import Annotated

from pydantic import Field

from antcost.blocks.fields import Channels, Size, Width
from antcost.blocks.registry import block
from antcost.graph.tape import Tape, Tensor

MAX_LAYERS = 64


@block("xception")
def xception(
    net: Tape,
    x: Tensor,
    *,
    channels: Channels,
    hidden: Width | None = None,
    layers: Annotated[int, Field(ge=1, le=MAX_LAYERS)] = 2,
    stride: Size = 1,
    activates_first: bool = True,
) -> Tensor:
    """`layers` separable convolutions with a ReLU before each, beside a shortcut (Figure 5).

    All but the last have `hidden` channels, if these are given. A module that strides ends in a
    max pool, and its shortcut is a 1x1 convolution.
    """
    branch = x
    for index in range(layers):
        last = index == layers - 1
        with net.scope(f"separable{index + 1}"):
            if index or activates_first:
                branch = net.activation(branch, "relu")
            branch = _separable(net, branch, channels if last else hidden or channels)
    if stride not in (1, (1, 1)):
        branch = net.max_pool(branch, kernel=3, stride=stride, padding="same")
        x = net.conv_bn(x, channels, stride=stride, name="shortcut")
    return net.add(x, branch)


@block("xception_conv")
def xception_conv(net: Tape, x: Tensor, *, channels: Channels) -> Tensor:
    """One separable convolution and a ReLU after it, as at the end of the network."""
    return net.activation(_separable(net, x, channels), "relu")


def _separable(net: Tape, x: Tensor, channels: int) -> Tensor:
    """Depthwise 3x3 and 1x1 with nothing between them, and batch norm."""
    x = net.conv(x, x.c, kernel=3, groups=x.c, name="depthwise")
    return net.batch_norm(net.conv(x, channels, name="pointwise"))
