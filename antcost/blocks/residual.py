"""The blocks of ResNet (arXiv 1512.03385), ResNeXt (1611.05431) and SE-ResNet (1709.01507)."""

from typing import Literal

from antcost.blocks.attention import channel_attention
from antcost.blocks.fields import Channels, Contraction, Groups, Reduction, Size
from antcost.blocks.registry import block
from antcost.errors import ShapeError
from antcost.graph.shape import certain
from antcost.graph.tape import Tape, Tensor


@block("basic_residual")
def basic_residual(net: Tape, x: Tensor, *, channels: Channels, stride: Size = 1) -> Tensor:
    """Two 3x3 convolutions beside a shortcut."""
    branch = net.conv_bn_act(x, channels, kernel=3, stride=stride, activation="relu", name="first")
    branch = net.conv_bn(branch, channels, kernel=3, name="second")
    return _joined(net, x, branch, stride)


@block("bottleneck_residual")
def bottleneck_residual(
    net: Tape,
    x: Tensor,
    *,
    channels: Channels,
    stride: Size = 1,
    stride_in: Literal["1x1", "3x3"] = "3x3",
    contraction: Contraction = 4,
    groups: Groups = 1,
    reduction: Reduction | None = None,
    attention_bias: bool = False,
) -> Tensor:
    """1x1 down to channels / contraction, 3x3 in groups, 1x1 up, attention; beside a shortcut.

    `stride_in` tells which convolution strides: the first 1x1 (the original), or the 3x3 (v1.5).
    """
    if certain(channels % contraction > 0):
        raise ShapeError(
            f"contraction={contraction} does not divide {channels} channels", "contraction"
        )
    hidden = channels // contraction
    first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
    branch = net.conv_bn_act(x, hidden, stride=first, activation="relu", name="reduce")
    branch = net.conv_bn_act(
        branch, hidden, kernel=3, stride=second, groups=groups, activation="relu", name="spatial"
    )
    branch = net.conv_bn(branch, channels, name="expand")
    if reduction is not None:
        branch = channel_attention(net, branch, reduction, attention_bias)
    return _joined(net, x, branch, stride)


def _joined(net: Tape, x: Tensor, branch: Tensor, stride: Size) -> Tensor:
    """ReLU of the sum; the shortcut is a 1x1 convolution where the shape changes (option B)."""
    if stride not in (1, (1, 1)) or x.c != branch.c:
        x = net.conv_bn(x, branch.c, stride=stride, name="shortcut")
    return net.activation(net.add(x, branch), "relu")
