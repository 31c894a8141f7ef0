"""Blocks of one layer and what belongs to it: convolution, pooling, classifier."""

from antcost.blocks.fields import (
    ActivationField,
    Channels,
    Groups,
    NonNegativeSize,
    PaddingField,
    Rate,
    Size,
)
from antcost.blocks.registry import block
from antcost.errors import ShapeError
from antcost.graph.layers import ActivationKind
from antcost.graph.tape import Tape, Tensor


@block("conv")
def conv(
    net: Tape,
    x: Tensor,
    *,
    kernel: Size,
    channels: Channels,
    stride: Size = 1,
    padding: PaddingField = "same",
    dilation: Size = 1,
    groups: Groups = 1,
    bias: bool = False,
    norm: bool = True,
    activation: ActivationField = "relu6",
) -> Tensor:
    """Convolution, batch norm, activation."""
    x = net.conv(
        x,
        channels,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=bias,
    )
    x = net.batch_norm(x) if norm else x
    return net.activation(x, activation) if activation else x


@block("conv_transpose")
def conv_transpose(
    net: Tape,
    x: Tensor,
    *,
    kernel: Size,
    channels: Channels,
    stride: Size = 1,
    padding: NonNegativeSize = 0,
    groups: Groups = 1,
    bias: bool = False,
    norm: bool = True,
    activation: ActivationField = "relu",
) -> Tensor:
    """Transposed convolution, batch norm, activation; a map of h becomes (h - 1) s + k - 2 p."""
    x = net.conv_transpose(
        x, channels, kernel=kernel, stride=stride, padding=padding, groups=groups, bias=bias
    )
    x = net.batch_norm(x) if norm else x
    return net.activation(x, activation) if activation else x


@block("norm")
def norm(net: Tape, x: Tensor, *, activation: ActivationField = "relu") -> Tensor:
    """Batch norm, activation: the end of networks whose convolutions stand after theirs."""
    x = net.batch_norm(x)
    return net.activation(x, activation) if activation else x


@block("activation")
def activation(net: Tape, x: Tensor, *, kind: ActivationKind = "relu") -> Tensor:
    """An element-wise function."""
    return net.activation(x, kind)


@block("maxpool")
def maxpool(
    net: Tape,
    x: Tensor,
    *,
    kernel: Size,
    stride: Size,
    padding: PaddingField = "same",
    ceil: bool = False,
) -> Tensor:
    """Max pooling; `ceil` rounds the size of its output up."""
    return net.max_pool(x, kernel=kernel, stride=stride, padding=padding, ceil=ceil)


@block("avgpool")
def avgpool(
    net: Tape,
    x: Tensor,
    *,
    kernel: Size | None = None,
    stride: Size | None = None,
    padding: PaddingField = "valid",
) -> Tensor:
    """Average pooling; of the whole map without a kernel and a stride."""
    if kernel is None and stride is None:
        return net.global_avg_pool(x)
    if kernel is None or stride is None:
        raise ShapeError("give kernel and stride, or neither to average the whole map")
    return net.avg_pool(x, kernel=kernel, stride=stride, padding=padding)


@block("linear")
def linear(
    net: Tape,
    x: Tensor,
    *,
    channels: Channels,
    bias: bool = True,
    dropout: Rate = 0.0,
    activation: ActivationField = None,
) -> Tensor:
    """Fully connected layer; a map is flattened first."""
    x = net.flatten(x) if x.shape.rank > 1 else x
    x = net.dropout(x, dropout) if dropout else x
    x = net.linear(x, channels, bias=bias)
    return net.activation(x, activation) if activation else x
