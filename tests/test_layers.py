"""Every layer: its output shape and its cost, written as arithmetic."""

from typing import get_args

import pytest

from antcost.cost.counts import Cost
from antcost.cost.formulas import cost
from antcost.errors import ShapeError
from antcost.graph import layers
from antcost.graph.graph import Node, Origin
from antcost.graph.layers import (
    Activation,
    Add,
    AvgPool2d,
    BatchNorm,
    ChannelShuffle,
    Complement,
    Concat,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool2d,
    Multiply,
    SelectChannels,
    Shift,
    SliceChannels,
    WeightedSum,
)
from antcost.graph.operators import kind, operator
from antcost.graph.shape import Shape
from antcost.graph.shapes import output_shape
from antcost.graph.tape import Tape

MAP = (96, 14, 14)
ELEMS = 96 * 14 * 14

CASES = [
    # layer, input shapes, output shape, cost, kind
    (
        Conv2d(32, (3, 3), (2, 2)),
        [(3, 224, 224)],
        (32, 112, 112),
        Cost(
            conv_macs=3 * 3 * 3 * 32 * 112 * 112,
            weights=3 * 3 * 3 * 32,
            conv_out_elems=32 * 112 * 112,
        ),
        "conv",
    ),
    (
        Conv2d(96, (3, 3), groups=96),
        [MAP],
        MAP,
        Cost(conv_macs=3 * 3 * 96 * 14 * 14, weights=3 * 3 * 96, conv_out_elems=96 * 14 * 14),
        "depthwise conv",
    ),
    (
        Conv2d(64, (1, 1), groups=2, bias=True),
        [MAP],
        (64, 14, 14),
        Cost(
            conv_macs=48 * 64 * 14 * 14,
            weights=48 * 64,
            biases=64,
            conv_out_elems=64 * 14 * 14,
            conv_bias_elems=64 * 14 * 14,
        ),
        "grouped conv",
    ),
    (
        Conv2d(64, (1, 1)),
        [MAP],
        (64, 14, 14),
        Cost(conv_macs=96 * 64 * 14 * 14, weights=96 * 64, conv_out_elems=64 * 14 * 14),
        "pointwise conv",
    ),
    (
        Conv2d(96, (1, 7), (1, 2)),
        [MAP],
        (96, 14, 7),
        Cost(conv_macs=7 * 96 * 96 * 14 * 7, weights=7 * 96 * 96, conv_out_elems=96 * 14 * 7),
        "conv",
    ),
    (
        Conv2d(8, (3, 3), padding="valid"),
        [MAP],
        (8, 12, 12),
        Cost(conv_macs=9 * 96 * 8 * 12 * 12, weights=9 * 96 * 8, conv_out_elems=8 * 12 * 12),
        "conv",
    ),
    (
        Conv2d(8, (3, 3), (2, 1), padding=(2, 0), dilation=(2, 1)),
        [MAP],
        (8, (14 + 2 * 2 - 5) // 2 + 1, 12),
        Cost(conv_macs=9 * 96 * 8 * 7 * 12, weights=9 * 96 * 8, conv_out_elems=8 * 7 * 12),
        "conv",
    ),
    (
        ConvTranspose2d(64, (4, 4), (2, 2), (1, 1), groups=2, bias=True),
        [MAP],
        (64, 28, 28),
        Cost(
            conv_macs=4 * 4 * 96 * 32 * 14 * 14,
            weights=4 * 4 * 96 * 32,
            biases=64,
            transposed_extra_macs=4 * 4 * 96 * 32 * (28 * 28 - 14 * 14),
            transposed_undivided_macs=4 * 4 * 96 * 32 * 28 * 28,
            transposed_redivided_macs=-4 * 4 * 96 * 16 * 14 * 14,
            conv_out_elems=64 * 28 * 28,
            conv_bias_elems=64 * 28 * 28,
        ),
        "transposed conv",
    ),
    (
        Linear(1000),
        [(1280,)],
        (1000,),
        Cost(linear_macs=1280 * 1000, weights=1280 * 1000, biases=1000, linear_bias_elems=1000),
        "linear",
    ),
    (
        Linear(12, bias=False),
        [(96,)],
        (12,),
        Cost(linear_macs=96 * 12, weights=96 * 12),
        "linear",
    ),
    (BatchNorm(), [MAP], MAP, Cost(norm_params=2 * 96, norm_elems=ELEMS), "batch norm"),
    (BatchNorm(), [(96,)], (96,), Cost(norm_params=2 * 96, norm_elems=96), "batch norm"),
    (Activation("relu"), [MAP], MAP, Cost(relu_elems=ELEMS), "activation"),
    (Activation("relu6"), [MAP], MAP, Cost(relu6_elems=ELEMS), "activation"),
    (Activation("leaky_relu"), [MAP], MAP, Cost(leaky_relu_elems=ELEMS), "activation"),
    (Activation("elu"), [MAP], MAP, Cost(elu_elems=ELEMS), "activation"),
    (Activation("gelu"), [MAP], MAP, Cost(gelu_elems=ELEMS), "activation"),
    (Activation("silu"), [MAP], MAP, Cost(silu_elems=ELEMS), "activation"),
    (Activation("sigmoid"), [MAP], MAP, Cost(), "activation"),
    (
        MaxPool2d((3, 3), (2, 2)),
        [MAP],
        (96, 7, 7),
        Cost(max_pool_in_elems=96 * 14 * 14),
        "max pool",
    ),
    (
        MaxPool2d((2, 3), (2, 2)),
        [(96, 15, 15)],
        (96, 8, 8),
        Cost(max_pool_in_elems=96 * 15 * 15, pool_padding_elems=96 * 15),
        "max pool",
    ),
    (
        MaxPool2d((3, 3), (2, 2), "valid"),
        [MAP],
        (96, 6, 6),
        Cost(max_pool_in_elems=96 * 14 * 14),
        "max pool",
    ),
    (
        MaxPool2d((3, 3), (2, 2), "valid", ceil=True),
        [(96, 112, 14)],
        (96, 56, 7),
        Cost(max_pool_in_elems=96 * 112 * 14),
        "max pool",
    ),
    (
        MaxPool2d((2, 3), (4, 2), (1, 1), ceil=True),  # a window more would start in the padding
        [(96, 7, 2)],
        (96, 2, 2),
        Cost(max_pool_in_elems=96 * 7 * 2),
        "max pool",
    ),
    (
        AvgPool2d((5, 5), (3, 3)),
        [MAP],
        (96, 4, 4),
        Cost(
            avg_pool_in_elems=96 * 14 * 14,
            avg_pool_out_elems=96 * 4 * 4,
            avg_pool_window_elems=25 * 96 * 4 * 4,
        ),
        "average pool",
    ),
    (
        AvgPool2d((3, 3), (2, 2), (1, 1)),
        [MAP],
        (96, 7, 7),
        Cost(
            avg_pool_in_elems=96 * 14 * 14,
            avg_pool_out_elems=96 * 7 * 7,
            avg_pool_window_elems=9 * 96 * 7 * 7,
        ),
        "average pool",
    ),
    (
        AvgPool2d((2, 2), (1, 1), "same"),
        [MAP],
        MAP,
        Cost(
            avg_pool_in_elems=96 * 14 * 14,
            avg_pool_out_elems=96 * 14 * 14,
            avg_pool_window_elems=4 * 96 * 14 * 14,
            pool_padding_elems=96 * (15 * 15 - 14 * 14),
        ),
        "average pool",
    ),
    (
        GlobalAvgPool(),
        [MAP],
        (96, 1, 1),
        Cost(global_pool_in_elems=96 * 14 * 14, global_pool_out_elems=96),
        "global average pool",
    ),
    (Add(), [MAP, MAP], MAP, Cost(), "add"),
    (Multiply(), [MAP, (96,)], MAP, Cost(multiply_elems=ELEMS), "multiply"),
    (Multiply(), [MAP, (96, 1, 1)], MAP, Cost(multiply_elems=ELEMS), "multiply"),
    (Multiply(), [MAP, MAP], MAP, Cost(multiply_elems=ELEMS), "multiply"),
    (Complement(), [MAP], MAP, Cost(), "complement"),
    (Concat(), [MAP, (32, 14, 14)], (128, 14, 14), Cost(), "concat"),
    (
        WeightedSum(),
        [MAP, MAP, MAP],
        MAP,
        Cost(branch_weights=3, multiply_elems=3 * ELEMS),
        "weighted sum",
    ),
    (ChannelShuffle(3), [MAP], MAP, Cost(), "channel shuffle"),
    (SelectChannels(48), [MAP], (48, 14, 14), Cost(), "channel selection"),
    (SelectChannels(128), [(96,)], (128,), Cost(), "channel selection"),
    (Shift(), [MAP], MAP, Cost(), "shift"),
    (SliceChannels(32, 64), [MAP], (64, 14, 14), Cost(), "channel slice"),
    (Flatten(), [MAP], (96 * 14 * 14,), Cost(), "flatten"),
    (Dropout(0.2), [MAP], MAP, Cost(), "dropout"),
]


def make_node(layer: Layer, inputs: list[tuple[int, ...]]) -> Node:
    shapes = tuple(map(Shape, inputs))
    names = tuple(f"x{i}" for i in range(len(inputs)))
    return Node("y", layer, names, shapes, output_shape(layer, shapes), Origin("s", 0, "b", "s"))


@pytest.mark.parametrize(
    ("layer", "inputs", "output", "expected", "kind_name"),
    CASES,
    ids=lambda value: repr(value) if isinstance(value, get_args(Layer)) else "",
)
def test_layer(
    layer: Layer,
    inputs: list[tuple[int, ...]],
    output: tuple[int, ...],
    expected: Cost,
    kind_name: str,
) -> None:
    node = make_node(layer, inputs)
    assert node.shape == Shape(output)
    assert cost(node) == expected
    assert kind(node) == kind_name


def test_every_layer_has_a_case() -> None:
    assert {type(case[0]) for case in CASES} == set(get_args(Layer))


def test_an_activation_is_called_by_its_function() -> None:
    assert operator(make_node(Activation("hardswish"), [MAP])) == "hardswish"
    assert operator(make_node(Conv2d(8, (3, 3)), [MAP])) == "conv"
    assert len(get_args(layers.ActivationKind)) == 11


@pytest.mark.parametrize(
    ("layer", "inputs", "message"),
    [
        (Conv2d(8, (3, 3), groups=3), [(9, 4, 4)], "groups=3 does not divide 9 -> 8 channels"),
        (Conv2d(9, (3, 3), groups=3), [(8, 4, 4)], "groups=3 does not divide 8 -> 9 channels"),
        (
            Conv2d(8, (5, 5), padding="valid"),
            [(8, 4, 9)],
            "window of 5 is larger than its map of 4",
        ),
        (Conv2d(8, (3, 3), padding="valid", dilation=(1, 4)), [(8, 9, 8)], "window of 9"),
        (MaxPool2d((8, 8), (1, 1), (1, 1)), [(8, 4, 4)], r"map of 4 \+ 2 \* 1 padding"),
        (MaxPool2d((5, 5), (2, 2), "valid", True), [(8, 3, 9)], "map of 3; use at most 4"),
        (MaxPool2d((3, 3), (2, 2), "same", True), [(8, 4, 4)], "same rounds up already"),
        (Conv2d(8, (1, 1)), [(8,)], "expected a map"),
        (ConvTranspose2d(8, (3, 3), groups=3), [(9, 4, 4)], "groups=3 does not divide 9 -> 8"),
        (ConvTranspose2d(8, (2, 2), padding=(4, 0)), [(8, 4, 4)], "leaves nothing of a map of 4x4"),
        (ConvTranspose2d(8, (2, 2), (64, 1)), [(8, 2000, 4)], "map of 127938x5 is larger than"),
        (Linear(8), [(8, 4, 4)], "flatten it first"),
        (GlobalAvgPool(), [(8,)], "expected a map"),
        (ChannelShuffle(3), [(8, 4, 4)], "groups=3 does not divide 8 channels"),
        (ChannelShuffle(2), [(8,)], "expected a map"),
        (Shift(), [(8,)], "expected a map"),
        (SliceChannels(4, 8), [(8, 4, 4)], "no channels 4 to 11 in 8x4x4"),
        (Add(), [(8, 4, 4), (8, 2, 2)], "cannot add different shapes 8x4x4, 8x2x2"),
        (WeightedSum(), [(8, 4, 4), (9, 4, 4)], "cannot add different shapes"),
        (Multiply(), [(8, 4, 4), (4,)], "cannot broadcast 4 over 8x4x4"),
        (Concat(), [(8, 4, 4), (8, 4, 5)], "different sizes"),
    ],
)
def test_impossible_shapes_are_refused(
    layer: Layer, inputs: list[tuple[int, ...]], message: str
) -> None:
    with pytest.raises(ShapeError, match=message):
        make_node(layer, inputs)


def test_two_layers_of_one_name_are_a_mistake_of_the_block() -> None:
    net = Tape(Shape((3, 8, 8)))
    x = net.activation(net.input, "relu", name="act")
    with pytest.raises(ShapeError, match="two layers are called act; the block has to name them"):
        net.activation(x, "relu", name="act")
