"""The cost model: one case a layer, one line a quantity."""

from typing import assert_never

from antcost.cost.counts import Cost
from antcost.graph.graph import Node
from antcost.graph.layers import (
    Activation,
    Add,
    AvgPool2d,
    BatchNorm,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool2d,
    Multiply,
    WeightedSum,
)


def cost(node: Node) -> Cost:
    """Cost of one layer from its shapes."""
    x, y = node.input_shapes[0], node.shape
    match node.layer:
        case Conv2d(kernel=(k_h, k_w), groups=groups, bias=bias):
            weights = k_h * k_w * (x.c // groups) * y.c
            return Cost(conv_macs=weights * y.h * y.w, weights=weights, biases=y.c if bias else 0)
        case Linear(bias=bias):
            weights = x.c * y.c
            return Cost(linear_macs=weights, weights=weights, biases=y.c if bias else 0)
        case BatchNorm():
            return Cost(norm_params=2 * x.c)
        case WeightedSum():
            return Cost(branch_weights=len(node.inputs))
        case Activation() | MaxPool2d() | AvgPool2d() | GlobalAvgPool():
            return Cost()
        case Add() | Multiply() | Concat() | Flatten() | Dropout():
            return Cost()
        case _:
            assert_never(node.layer)
