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


def attention(c: int, squeeze: int) -> tuple[int, int]:
    """Two layers with biases on a single point."""
    return total([linear(c, squeeze), linear(squeeze, c)])


def inverted(
    c_in: int, hidden: int, c: int, k: int, size: int, stride: int, squeeze: int
) -> list[tuple[int, int]]:
    """Expand, if that changes the channels, depthwise, attention, if it has a width, project."""
    out = size // stride
    parts = [conv(c_in, hidden, 1, size)] if hidden != c_in else []
    parts += [depthwise(hidden, k, out), conv(hidden, c, 1, out)]
    return [*parts, attention(hidden, squeeze)] if squeeze else parts


def mobilenet_v3(rows: Sequence[tuple[int, int, int, bool, int]], last: int) -> tuple[int, int]:
    """Rows of kernel, hidden channels, channels, attention, stride; from 16 channels at 112."""
    parts, c_in, size = [conv(3, 16, 3, 112)], 16, 112
    for k, hidden, c, attends, stride in rows:
        quarter = max(8, (hidden // 4 + 4) // 8 * 8)
        squeeze = quarter if quarter >= 0.9 * (hidden // 4) else quarter + 8
        parts += inverted(c_in, hidden, c, k, size, stride, squeeze * attends)
        c_in, size = c, size // stride
    assert size == 7
    parts += [conv(c_in, hidden, 1, 7), linear(hidden, last), linear(last, 1000)]
    return total(parts)


V3_LARGE = [
    (3, 16, 16, False, 1), (3, 64, 24, False, 2), (3, 72, 24, False, 1), (5, 72, 40, True, 2),
    (5, 120, 40, True, 1), (5, 120, 40, True, 1), (3, 240, 80, False, 2), (3, 200, 80, False, 1),
    (3, 184, 80, False, 1), (3, 184, 80, False, 1), (3, 480, 112, True, 1), (3, 672, 112, True, 1),
    (5, 672, 160, True, 2), (5, 960, 160, True, 1), (5, 960, 160, True, 1),
]  # fmt: skip
V3_SMALL = [
    (3, 16, 16, True, 2), (3, 72, 24, False, 2), (3, 88, 24, False, 1), (5, 96, 40, True, 2),
    (5, 240, 40, True, 1), (5, 240, 40, True, 1), (5, 120, 48, True, 1), (5, 144, 48, True, 1),
    (5, 288, 96, True, 2), (5, 576, 96, True, 1), (5, 576, 96, True, 1),
]  # fmt: skip


def mbconv(rows: Sequence[tuple[int, int, int, int, int, bool]]) -> tuple[int, int]:
    """Rows of expansion, kernel, channels, repeat, stride, attention; from 32 channels at 112."""
    parts, c_in, size = [conv(3, 32, 3, 112)], 32, 112
    for t, k, c, repeat, first_stride, attends in rows:
        for stride in [first_stride] + [1] * (repeat - 1):
            parts += inverted(c_in, t * c_in, c, k, size, stride, c_in // 4 * attends)
            c_in, size = c, size // stride
    assert (c_in, size) == (320, 7)
    return total([*parts, conv(320, 1280, 1, 7), linear(1280, 1000)])


EFFICIENTNET_B0 = [
    (1, 3, 16, 1, 1, True), (6, 3, 24, 2, 2, True), (6, 5, 40, 2, 2, True), (6, 3, 80, 3, 2, True),
    (6, 5, 112, 3, 1, True), (6, 5, 192, 4, 2, True), (6, 3, 320, 1, 1, True),
]  # fmt: skip
MNASNET_A1 = [
    (1, 3, 16, 1, 1, False), (6, 3, 24, 2, 2, False), (3, 5, 40, 3, 2, True),
    (6, 3, 80, 4, 2, False), (6, 3, 112, 2, 1, True), (6, 5, 160, 3, 2, True),
    (6, 3, 320, 1, 1, False),
]  # fmt: skip
MNASNET_B1 = [
    (1, 3, 16, 1, 1, False), (3, 3, 24, 3, 2, False), (3, 5, 40, 3, 2, False),
    (6, 5, 80, 3, 2, False), (6, 3, 96, 2, 1, False), (6, 5, 192, 4, 2, False),
    (6, 3, 320, 1, 1, False),
]  # fmt: skip


EXPECTED = {
    "shufflenet_v2_0.5x": shufflenet_v2((48, 96, 192), 1024),
    "shufflenet_v2_1x": shufflenet_v2((116, 232, 464), 1024),
    "shufflenet_v2_1.5x": shufflenet_v2((176, 352, 704), 1024),
    "shufflenet_v2_2x": shufflenet_v2((244, 488, 976), 2048),
    "mobilenet_v3_large": mobilenet_v3(V3_LARGE, 1280),
    "mobilenet_v3_small": mobilenet_v3(V3_SMALL, 1024),
    "efficientnet_b0": mbconv(EFFICIENTNET_B0),
    "mnasnet_a1": mbconv(MNASNET_A1),
    "mnasnet_b1": mbconv(MNASNET_B1),
}

KNOWN_PARAMS = {
    # torchvision's parameters where no other source is named
    "shufflenet_v2_0.5x": 1_366_792,
    "shufflenet_v2_1x": 2_278_604,
    "shufflenet_v2_1.5x": 3_503_624,
    "shufflenet_v2_2x": 7_393_996,
    "mobilenet_v3_large": 5_483_032,
    "mobilenet_v3_small": 2_542_856,
    "efficientnet_b0": 5_288_548,
    "mnasnet_a1": 3_887_038,  # timm's semnasnet_100
    "mnasnet_b1": 4_383_312,
}

CONVS_AND_LINEARS = {
    "shufflenet_v2_0.5x": (2 + 3 * 5 + 13 * 3, 1),
    "shufflenet_v2_1x": (2 + 3 * 5 + 13 * 3, 1),
    "shufflenet_v2_1.5x": (2 + 3 * 5 + 13 * 3, 1),
    "shufflenet_v2_2x": (2 + 3 * 5 + 13 * 3, 1),
    "mobilenet_v3_large": (2 + 15 * 3 - 1, 2 + 8 * 2),
    "mobilenet_v3_small": (2 + 11 * 3 - 1, 2 + 9 * 2),
    "efficientnet_b0": (2 + 16 * 3 - 1, 1 + 16 * 2),
    "mnasnet_a1": (2 + 16 * 3 - 1, 1 + 8 * 2),
    "mnasnet_b1": (2 + 17 * 3 - 1, 1),
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
    "mobilenet_v3_large": [
        *[(16, 112), (16, 112), (24, 56), (24, 56), (40, 28), (40, 28), (80, 14), (80, 14)],
        *[(80, 14), (112, 14), (112, 14), (160, 7), (160, 7), (960, 7), (960, 1), (1280, 1)],
    ],
    "mobilenet_v3_small": [
        *[(16, 112), (16, 56), (24, 28), (24, 28), (40, 14), (40, 14), (48, 14), (48, 14)],
        *[(96, 7), (96, 7), (576, 7), (576, 1), (1024, 1)],
    ],
    "efficientnet_b0": [
        *[(32, 112), (16, 112), (24, 56), (40, 28), (80, 14), (112, 14), (192, 7), (320, 7)],
        *[(1280, 7), (1280, 1)],
    ],
    "mnasnet_a1": [
        *[(32, 112), (16, 112), (24, 56), (40, 28), (80, 14), (112, 14), (160, 7), (320, 7)],
        *[(1280, 7), (1280, 1)],
    ],
    "mnasnet_b1": [
        *[(32, 112), (16, 112), (24, 56), (40, 28), (80, 14), (96, 14), (192, 7), (320, 7)],
        *[(1280, 7), (1280, 1)],
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
