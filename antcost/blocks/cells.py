"""Cells that architecture search has found, in the frames of NASNet and DARTS.

A cell reads the outputs of the two blocks before it. `stride` is that of the operations that read
one of these.
"""

from typing import Annotated, assert_never

from pydantic import Field

from antcost.blocks.fields import Channels
from antcost.blocks.genotype import INPUTS, Cell, Edge
from antcost.blocks.registry import block
from antcost.errors import ShapeError
from antcost.graph.shape import certain
from antcost.graph.tape import Size, Tape, Tensor

Stride = Annotated[int, Field(ge=1, le=2)]


@block("nasnet_cell")
def nasnet_cell(
    net: Tape, x: Tensor, *, cell: Cell, channels: Channels, stride: Stride = 1
) -> Tensor:
    """Cell of NASNet (arXiv 1707.07012), AmoebaNet and PNASNet.

    State 0 is its input, state 1 the one before; the first cell of a network has only one. Both
    are brought to `channels`, the one before only if it has others.
    """
    previous = x if net.previous is None else net.previous
    current = _relu_conv_bn(net, x, channels, name="state0")
    if previous.shape.dims[1:] != x.shape.dims[1:]:
        previous = _factorized_reduction(net, previous, channels, name="state1")
    elif net.previous and previous.c != channels:
        previous = _relu_conv_bn(net, previous, channels, name="state1")
    return _outputs(net, [current, previous], cell, channels, stride)


@block("darts_cell")
def darts_cell(
    net: Tape, x: Tensor, *, cell: Cell, channels: Channels, stride: Stride = 1
) -> Tensor:
    """Cell of DARTS (arXiv 1806.09055).

    State 0 is the input before, state 1 its input; both are always brought to `channels`.
    """
    previous = net.previous
    if previous is None:
        raise ShapeError("a darts_cell reads the outputs of two blocks; only one is before it")
    current = _relu_conv_bn(net, x, channels, name="state1")
    if previous.shape.dims[1:] != x.shape.dims[1:]:
        previous = _factorized_reduction(net, previous, channels, name="state0")
    else:
        previous = _relu_conv_bn(net, previous, channels, name="state0")
    return _outputs(net, [previous, current], cell, channels, stride)


def _outputs(net: Tape, inputs: list[Tensor], cell: Cell, channels: int, stride: int) -> Tensor:
    """Two operations added for each sum, and the states of the output joined."""
    states = list(inputs)
    for number, edges in enumerate(cell.sums, start=INPUTS):
        with net.scope(f"state{number}"):
            branches = []
            for side, edge in zip(("left", "right"), edges, strict=True):
                with net.scope(side):
                    step = stride if edge.state < INPUTS else 1
                    branches.append(_operation(net, states[edge.state], edge, channels, step))
            states.append(net.add(*branches))
    return net.concat(*(states[number] for number in cell.output))


def _operation(net: Tape, x: Tensor, edge: Edge, channels: int, stride: int) -> Tensor:
    match edge.operation:
        case "sep3" | "sep5" | "sep7":
            kernel = int(edge.operation[-1])
            x = _depthwise_separable(net, x, channels, kernel, stride, name="first")
            return _depthwise_separable(net, x, channels, kernel, 1, name="second")
        case "dil3" | "dil5":
            kernel = int(edge.operation[-1])
            return _depthwise_separable(net, x, channels, kernel, stride, 2, name="dilated")
        case "c1x7":
            return _factorized_7x7(net, x, channels, stride)
        case "avg3" | "max3":
            pool = net.avg_pool if edge.operation == "avg3" else net.max_pool
            x = pool(x, kernel=3, stride=stride, padding="same")
            return x if x.c == channels else net.conv_bn(x, channels, name="project")
        case "id" | "skip":
            if stride == 1 and x.c == channels:
                return x
            if stride == 2 and edge.operation == "skip":
                return _factorized_reduction(net, x, channels, name="reduce")
            return _relu_conv_bn(net, x, channels, stride=stride, name="project")
        case _:
            assert_never(edge.operation)


def _depthwise_separable(
    net: Tape, x: Tensor, channels: int, kernel: int, stride: int, dilation: int = 1, *, name: str
) -> Tensor:
    """ReLU, depthwise, 1x1, batch norm; there is none between the two convolutions."""
    with net.scope(name):
        x = net.activation(x, "relu")
        x = net.conv(
            x,
            x.c,
            kernel=kernel,
            stride=stride,
            dilation=dilation,
            groups=x.c,
            name="depthwise",
        )
        return net.batch_norm(net.conv(x, channels, name="pointwise"))


def _factorized_7x7(net: Tape, x: Tensor, channels: int, stride: int) -> Tensor:
    """1x7 and 7x1 at a quarter of the channels, each striding along its own side."""
    _require(channels, 4)
    quarter = channels // 4
    x = _relu_conv_bn(net, x, quarter, name="reduce")
    x = _relu_conv_bn(net, x, quarter, kernel=(1, 7), stride=(1, stride), name="conv1x7")
    x = _relu_conv_bn(net, x, quarter, kernel=(7, 1), stride=(stride, 1), name="conv7x1")
    return _relu_conv_bn(net, x, channels, name="expand")


def _factorized_reduction(net: Tape, x: Tensor, channels: int, *, name: str) -> Tensor:
    """Two 1x1 convolutions of stride 2, the second one pixel further, for half of the channels."""
    _require(channels, 2)
    with net.scope(name):
        x = net.activation(x, "relu")
        left = net.conv(x, channels // 2, stride=2, name="left")
        right = net.conv(net.shift(x), channels - channels // 2, stride=2, name="right")
        return net.batch_norm(net.concat(left, right))


def _relu_conv_bn(
    net: Tape, x: Tensor, channels: int, *, kernel: Size = 1, stride: Size = 1, name: str
) -> Tensor:
    x = net.activation(x, "relu", name=f"{name}.act")
    return net.conv_bn(x, channels, kernel=kernel, stride=stride, name=name)


def _require(channels: int, least: int) -> None:
    if certain(channels < least):
        raise ShapeError(f"expected at least {least}, got {channels}", "channels")
