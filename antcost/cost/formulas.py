"""The cost model: one case a layer, one line a quantity."""

from typing import assert_never

from antcost.cost.counts import Cost
from antcost.graph import layers as L
from antcost.graph.graph import Node
from antcost.graph.shape import Shape
from antcost.graph.shapes import end_padding


def cost(node: Node, folded: int = 0) -> Cost:
    """Return the cost of one layer from its shapes.

    `folded` are the parameters of a batch norm that folding removes, as its neighbours decide.
    """
    x, y = node.input_shapes[0], node.shape
    match node.layer:
        case L.Conv2d(kernel=(k_h, k_w), groups=groups, bias=bias):
            weights = k_h * k_w * (x.c // groups) * y.c
            return Cost(
                conv_macs=weights * y.h * y.w,
                weights=weights,
                biases=y.c if bias else 0,
                conv_out_elems=y.numel,
                conv_bias_elems=y.numel if bias else 0,
            )
        case L.ConvTranspose2d(kernel=(k_h, k_w), groups=groups, bias=bias):
            per_group = y.c // groups
            weights = k_h * k_w * x.c * per_group
            out_macs, lost = weights * y.h * y.w, per_group // groups - per_group
            return Cost(
                conv_macs=weights * x.h * x.w,
                weights=weights,
                biases=y.c if bias else 0,
                conv_out_elems=y.numel,
                conv_bias_elems=y.numel if bias else 0,
                transposed_extra_macs=out_macs - weights * x.h * x.w,
                transposed_undivided_macs=0 if x.c == y.c else (groups - 1) * out_macs,
                transposed_redivided_macs=k_h * k_w * x.numel * lost,
            )
        case L.Linear(bias=bias):
            weights = x.c * y.c
            biases = y.c if bias else 0
            return Cost(
                linear_macs=weights, weights=weights, biases=biases, linear_bias_elems=biases
            )
        case L.BatchNorm():
            return Cost(norm_params=2 * x.c, norm_elems=x.numel, norm_params_folded=folded)
        case L.WeightedSum():
            branches = len(node.inputs)
            return Cost(branch_weights=branches, multiply_elems=branches * y.numel)
        case L.Activation(function="relu"):
            return Cost(relu_elems=x.numel)
        case L.Activation(function="relu6"):
            return Cost(relu6_elems=x.numel)
        case L.Activation(function="leaky_relu"):
            return Cost(leaky_relu_elems=x.numel)
        case L.Activation(function="elu"):
            return Cost(elu_elems=x.numel)
        case L.Activation(function="gelu"):
            return Cost(gelu_elems=x.numel)
        case L.Activation(function="silu"):
            return Cost(silu_elems=x.numel)
        case L.Activation():
            return Cost()
        case L.MaxPool2d():
            return Cost(
                max_pool_in_elems=x.numel, pool_padding_elems=_end_padding_elems(node.layer, x)
            )
        case L.AvgPool2d(kernel=(k_h, k_w)):
            return Cost(
                avg_pool_in_elems=x.numel,
                avg_pool_out_elems=y.numel,
                avg_pool_window_elems=k_h * k_w * y.numel,
                pool_padding_elems=_end_padding_elems(node.layer, x),
            )
        case L.GlobalAvgPool():
            return Cost(global_pool_in_elems=x.numel, global_pool_out_elems=y.numel)
        case L.Multiply():
            return Cost(multiply_elems=y.numel)
        case (
            L.ChannelShuffle() | L.SelectChannels() | L.SliceChannels() | L.Complement() | L.Shift()
        ):
            return Cost()
        case L.Add() | L.Concat() | L.Flatten() | L.Dropout():
            return Cost()
        case _:
            assert_never(node.layer)


def _end_padding_elems(pool: L.MaxPool2d | L.AvgPool2d, x: Shape) -> int:
    """Return the elements that "same" padding adds at the end of a map only."""
    if pool.padding != "same":
        return 0
    rows, columns = map(end_padding, (x.h, x.w), pool.kernel, pool.stride)
    return x.c * (x.h + rows) * (x.w + columns) - x.numel
