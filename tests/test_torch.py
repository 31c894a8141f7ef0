"""Torch as the oracle: shapes, parameters and multiply-adds of layers and of whole networks."""

import pytest

torch = pytest.importorskip("torch", reason="needs the check extra")

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torch_networks import antnet, mobilenet_v2

import antcost
from antcost.cost.convention import flops
from antcost.cost.formulas import cost
from antcost.errors import ShapeError
from antcost.graph.graph import Node, Origin
from antcost.graph.layers import AvgPool2d, BatchNorm, Conv2d, Layer, Linear, MaxPool2d
from antcost.graph.shape import Shape
from antcost.graph.shapes import output_shape

pytestmark = pytest.mark.torch

pairs = st.tuples(st.integers(1, 5), st.integers(1, 5))
small_pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
maps = st.tuples(st.integers(1, 12), st.integers(1, 20), st.integers(1, 20))


def make_node(layer: Layer, shape: Shape) -> Node:
    return Node(
        "y", layer, ("x",), (shape,), output_shape(layer, (shape,)), Origin("s", 0, "b", "s")
    )


def torch_counts(module: nn.Module, *shape: int) -> tuple[tuple[int, ...], int, int]:
    """Output shape, parameters, and FLOPs as FlopCounterMode counts them."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        output = module(torch.zeros(1, *shape))
    params = sum(parameter.numel() for parameter in module.parameters())
    return tuple(output.shape[1:]), params, counter.get_total_flops()


def same_as_torch(layer: Layer, module: nn.Module, dims: tuple[int, ...]) -> None:
    node = make_node(layer, Shape(dims))
    counted = cost(node)
    assert torch_counts(module, *dims) == (node.shape.dims, counted.params, flops(counted))


@settings(max_examples=200, deadline=None)
@given(maps, pairs, small_pairs, small_pairs, pairs, st.integers(1, 3), st.booleans(), st.data())
def test_convolution(
    dims: tuple[int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: tuple[int, int],
    factor: int,
    bias: bool,
    data: st.DataObject,
) -> None:
    groups = data.draw(st.sampled_from([g for g in range(1, dims[0] + 1) if dims[0] % g == 0]))
    channels = groups * factor
    layer = Conv2d(channels, kernel, stride, padding, dilation, groups, bias)
    module = nn.Conv2d(dims[0], channels, kernel, stride, padding, dilation, groups, bias)
    try:
        output_shape(layer, (Shape(dims),))
    except ShapeError:
        with pytest.raises(RuntimeError, match="Kernel size can't be greater"):
            module(torch.zeros(1, *dims))
    else:
        same_as_torch(layer, module, dims)


@settings(max_examples=100, deadline=None)
@given(maps, st.sampled_from([1, 3, 5, 7]), st.integers(1, 3), st.integers(1, 2))
def test_same_padding_is_symmetric_padding_of_odd_kernels(
    dims: tuple[int, int, int], kernel: int, stride: int, dilation: int
) -> None:
    layer = Conv2d(4, (kernel, kernel), (stride, stride), "same", (dilation, dilation))
    pad = dilation * (kernel // 2)
    module = nn.Conv2d(dims[0], 4, kernel, stride, pad, dilation, bias=False)
    same_as_torch(layer, module, dims)


@settings(max_examples=100, deadline=None)
@given(maps, pairs, small_pairs, st.booleans(), st.booleans())
def test_pooling(
    dims: tuple[int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padded: bool,
    average: bool,
) -> None:
    padding = (kernel[0] // 2, kernel[1] // 2) if padded else (0, 0)
    assume(all(k <= size + 2 * p for k, size, p in zip(kernel, dims[1:], padding, strict=True)))
    layer = (AvgPool2d if average else MaxPool2d)(kernel, stride, padding)
    module = (nn.AvgPool2d if average else nn.MaxPool2d)(kernel, stride, padding)
    same_as_torch(layer, module, dims)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.booleans())
def test_linear(c_in: int, c_out: int, bias: bool) -> None:
    same_as_torch(Linear(c_out, bias), nn.Linear(c_in, c_out, bias), (c_in,))


def test_batch_norm() -> None:
    same_as_torch(BatchNorm(), nn.BatchNorm2d(12).eval(), (12, 4, 4))


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("mobilenet_v2", mobilenet_v2()),
        ("antnet_g1", antnet(groups=1)),
        ("antnet_g2", antnet(groups=2)),
        ("cifar100/mobilenet_v2", mobilenet_v2(classes=100, cifar=True)),
        ("cifar100/antnet_g1", antnet(groups=1, classes=100, cifar=True)),
        ("cifar100/antnet_g2", antnet(groups=2, classes=100, cifar=True)),
    ],
)
def test_networks_written_by_hand_in_torch(name: str, module: nn.Module) -> None:
    spec = antcost.analyze(name)
    expected = torch_counts(module, *spec.graph.input.dims)
    assert (spec.graph.output.dims, spec.params, spec.flops) == expected
