"""Blocks of the MobileNet family."""

from typing import Literal

from antcost.blocks.attention import (
    Attention,
    Place,
    attention_place,
    channel_attention,
    reduced,
    squeeze_excite,
)
from antcost.blocks.fields import Channels, Expansion, Reduction, Size, Width
from antcost.blocks.registry import block
from antcost.graph.layers import ActivationKind
from antcost.graph.tape import Tape, Tensor


@block("separable")
def separable(
    net: Tape,
    x: Tensor,
    *,
    channels: Channels,
    kernel: Size = 3,
    stride: Size = 1,
    activation: ActivationKind = "relu",
) -> Tensor:
    """Depthwise separable convolution (MobileNetV1, arXiv 1704.04861); its MAdds are Eq. 1."""
    x = net.conv_bn_act(
        x,
        x.c,
        kernel=kernel,
        stride=stride,
        groups=x.c,
        activation=activation,
        name="depthwise",
    )
    return net.conv_bn_act(x, channels, activation=activation, name="pointwise")


@block("inverted_residual")
def inverted_residual(
    net: Tape,
    x: Tensor,
    *,
    expansion: Expansion,
    channels: Channels,
    stride: Size = 1,
    kernel: Size = 3,
    reduction: Reduction | None = None,
    attention: Attention = None,
    attention_bias: bool = False,
) -> Tensor:
    """MobileNetV2 block (arXiv 1801.04381); without the expansion layer if expansion is 1."""
    branch = bottleneck(
        net,
        x,
        expansion=None if expansion == 1 else expansion,
        channels=channels,
        stride=stride,
        kernel=kernel,
        groups=1,
        reduction=reduction,
        attention=attention,
        attention_bias=attention_bias,
    )
    return add_residual(net, x, branch, stride)


@block("mbconv")
def mbconv(
    net: Tape,
    x: Tensor,
    *,
    expansion: Expansion,
    channels: Channels,
    kernel: Size = 3,
    stride: Size = 1,
    reduction: Reduction | None = 4,
    activation: Literal["relu", "silu"] = "silu",
) -> Tensor:
    """MBConv of MnasNet and EfficientNet: as in MobileNetV2, with attention and its biases.

    The attention is `reduction` times less wide than the block's input, not than its hidden
    layers; there is none if that is null.
    """
    hidden = _expand_depthwise(
        net, x, None if expansion == 1 else expansion * x.c, kernel, stride, activation
    )
    if reduction is not None:
        width = reduced(x.c, reduction)
        hidden = squeeze_excite(net, hidden, width, bias=True, activation=activation)
    return add_residual(net, x, net.conv_bn(hidden, channels, name="project"), stride)


@block("mobilenet_v3")
def mobilenet_v3(
    net: Tape,
    x: Tensor,
    *,
    hidden: Width | None,
    channels: Channels,
    kernel: Size = 3,
    stride: Size = 1,
    squeeze: Width | None = None,
    activation: ActivationKind = "relu",
) -> Tensor:
    """MobileNetV3 block (arXiv 1905.02244) with widths as in its table.

    Without the expansion layer if `hidden` is null, and without attention if `squeeze` is.
    """
    branch = _expand_depthwise(net, x, hidden, kernel, stride, activation)
    if squeeze is not None:
        branch = squeeze_excite(net, branch, squeeze, bias=True, gate="hardsigmoid")
    return add_residual(net, x, net.conv_bn(branch, channels, name="project"), stride)


def _expand_depthwise(
    net: Tape,
    x: Tensor,
    hidden: int | None,
    kernel: Size,
    stride: Size,
    activation: ActivationKind,
) -> Tensor:
    """1x1 to `hidden` channels, if they are given, and depthwise."""
    if hidden is not None:
        x = net.conv_bn_act(x, hidden, activation=activation, name="expand")
    return net.conv_bn_act(
        x,
        x.c,
        kernel=kernel,
        stride=stride,
        groups=x.c,
        activation=activation,
        name="depthwise",
    )


def bottleneck(
    net: Tape,
    x: Tensor,
    *,
    expansion: int | None,
    channels: int,
    stride: Size,
    kernel: Size,
    groups: int,
    reduction: int | None,
    attention: Attention,
    attention_bias: bool,
) -> Tensor:
    """Expand, depthwise, project: the branch beside the residual, with attention at one place."""
    chosen = attention_place(attention, reduction)

    def attend(place: Place, features: Tensor) -> Tensor:
        if place != chosen or reduction is None:
            return features
        return channel_attention(net, features, reduction, attention_bias)

    hidden = attend("before_expansion", x)
    if expansion is not None:
        hidden = net.conv_bn_act(hidden, expansion * x.c, name="expand")
    hidden = net.conv_bn_act(
        hidden, hidden.c, kernel=kernel, stride=stride, groups=hidden.c, name="depthwise"
    )
    hidden = attend("after_depthwise", hidden)
    out = net.conv_bn(hidden, channels, groups=groups, name="project")
    return attend("after_projection", out)


def add_residual(net: Tape, x: Tensor, branch: Tensor, stride: Size) -> Tensor:
    """x + branch where the block keeps its input's shape and does not stride."""
    return net.add(x, branch) if stride in (1, (1, 1)) and x.shape == branch.shape else branch
