"""Later mobile networks and Inception: totals worked out from tables, and those known elsewhere."""

from collections.abc import Iterable, Sequence

import pytest

import antcost
from antcost.graph.layers import Conv2d, Linear

Costs = Iterable[tuple[int, int]]


def conv(
    c_in: int, c_out: int, k: int, size: int, groups: int = 1, bias: bool = False, norm: bool = True
) -> tuple[int, int]:
    """Parameters (batch norm included) and MAdds of a convolution onto a square map."""
    weights = k * k * (c_in // groups) * c_out
    return weights + c_out * bias + 2 * c_out * norm, weights * size * size


def depthwise(c: int, k: int, size: int) -> tuple[int, int]:
    return conv(c, c, k, size, groups=c)


def linear(c_in: int, c_out: int) -> tuple[int, int]:
    return c_in * c_out + c_out, c_in * c_out


def total(parts: Costs) -> tuple[int, int]:
    params, madds = zip(*parts, strict=True)
    return sum(params), sum(madds)


def shufflenet_v2(widths: Sequence[int], last: int) -> tuple[int, int]:
    """Stages of 4, 8 and 4 units; a unit that strides has a second branch of two convolutions."""
    parts, c_in, size = [conv(3, 24, 3, 112)], 24, 56
    for c, units in zip(widths, (4, 8, 4), strict=True):
        half, out = c // 2, size // 2
        parts += [depthwise(c_in, 3, out), conv(c_in, half, 1, out), conv(c_in, half, 1, size)]
        parts += [depthwise(half, 3, out), conv(half, half, 1, out)]
        unit = [conv(half, half, 1, out), depthwise(half, 3, out), conv(half, half, 1, out)]
        parts += unit * (units - 1)
        c_in, size = c, out
    return total([*parts, conv(c_in, last, 1, 7), linear(last, 1000)])


EXPECTED = {
    "shufflenet_v2_0.5x": shufflenet_v2((48, 96, 192), 1024),
    "shufflenet_v2_1x": shufflenet_v2((116, 232, 464), 1024),
    "shufflenet_v2_1.5x": shufflenet_v2((176, 352, 704), 1024),
    "shufflenet_v2_2x": shufflenet_v2((244, 488, 976), 2048),
}

KNOWN_PARAMS = {
    # torchvision's parameters where no other source is named
    "shufflenet_v2_0.5x": 1_366_792,
    "shufflenet_v2_1x": 2_278_604,
    "shufflenet_v2_1.5x": 3_503_624,
    "shufflenet_v2_2x": 7_393_996,
}

CONVS_AND_LINEARS = {
    "shufflenet_v2_0.5x": (2 + 3 * 5 + 13 * 3, 1),
    "shufflenet_v2_1x": (2 + 3 * 5 + 13 * 3, 1),
    "shufflenet_v2_1.5x": (2 + 3 * 5 + 13 * 3, 1),
    "shufflenet_v2_2x": (2 + 3 * 5 + 13 * 3, 1),
}

SHAPES = {
    # channels and size after each stage but the classifier
    "shufflenet_v2_0.5x": [
        *[(24, 112), (24, 56), (48, 28), (96, 14), (192, 7), (1024, 7), (1024, 1)],
    ],
    "shufflenet_v2_1x": [
        *[(24, 112), (24, 56), (116, 28), (232, 14), (464, 7), (1024, 7), (1024, 1)],
    ],
    "shufflenet_v2_1.5x": [
        *[(24, 112), (24, 56), (176, 28), (352, 14), (704, 7), (1024, 7), (1024, 1)],
    ],
    "shufflenet_v2_2x": [
        *[(24, 112), (24, 56), (244, 28), (488, 14), (976, 7), (2048, 7), (2048, 1)],
    ],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_totals_follow_from_the_papers_table(name: str) -> None:
    cost = antcost.analyze(name)
    assert (cost.params, cost.madds) == EXPECTED[name]


@pytest.mark.parametrize("name", KNOWN_PARAMS)
def test_parameters_are_those_that_others_count(name: str) -> None:
    assert antcost.analyze(name).params == KNOWN_PARAMS[name]


@pytest.mark.parametrize("name", CONVS_AND_LINEARS)
def test_the_number_of_convolutions_and_linear_layers(name: str) -> None:
    layers = [node.layer for node in antcost.analyze(name).graph.nodes]
    convs, linears = (sum(isinstance(x, kind) for x in layers) for kind in (Conv2d, Linear))
    assert (convs, linears) == CONVS_AND_LINEARS[name]


@pytest.mark.parametrize("name", SHAPES)
def test_the_stages_have_the_shapes_of_the_table(name: str) -> None:
    *features, output = (row.output for row in antcost.analyze(name).by("stage"))
    sizes = [(shape.c, shape.h if shape.rank == 3 else 1) for shape in features]
    assert sizes == SHAPES[name]
    assert output.dims == (1000,)


def test_every_network_has_each_test() -> None:
    assert EXPECTED.keys() == CONVS_AND_LINEARS.keys() == SHAPES.keys()
