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


def taps(area: int, c_in: int, c_out: int, size: int) -> tuple[int, int]:
    """A convolution by the area of its kernel, which need not be square."""
    return area * c_in * c_out + 2 * c_out, area * c_in * c_out * size * size


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


def ghost_module(c_in: int, c: int, size: int) -> list[tuple[int, int]]:
    return [conv(c_in, c // 2, 1, size), depthwise(c // 2, 3, size)]


def ghostnet() -> tuple[int, int]:
    """Rows of kernel, hidden channels, channels, squeeze, stride; from 16 channels at 112."""
    parts, c_in, size = [conv(3, 16, 3, 112)], 16, 112
    for k, hidden, c, squeeze, stride in GHOSTNET:
        out = size // stride
        parts += [*ghost_module(c_in, hidden, size), *ghost_module(hidden, c, out)]
        parts += [depthwise(hidden, k, out)] if stride == 2 else []
        parts += [attention(hidden, squeeze)] if squeeze else []
        if stride == 2 or c_in != c:
            parts += [depthwise(c_in, k, out), conv(c_in, c, 1, out)]
        c_in, size = c, out
    assert size == 7
    return total([*parts, conv(c_in, 960, 1, 7), linear(960, 1280), linear(1280, 1000)])


GHOSTNET = [
    (3, 16, 16, 0, 1), (3, 48, 24, 0, 2), (3, 72, 24, 0, 1), (5, 72, 40, 20, 2),
    (5, 120, 40, 32, 1), (3, 240, 80, 0, 2), (3, 200, 80, 0, 1), (3, 184, 80, 0, 1),
    (3, 184, 80, 0, 1), (3, 480, 112, 120, 1), (3, 672, 112, 168, 1), (5, 672, 160, 168, 2),
    (5, 960, 160, 0, 1), (5, 960, 160, 240, 1), (5, 960, 160, 0, 1), (5, 960, 160, 240, 1),
]  # fmt: skip


def xception() -> tuple[int, int]:
    """Separable convolutions have one batch norm; the shortcut of a module has the size after."""

    def separable(c_in: int, c: int, size: int) -> list[tuple[int, int]]:
        spatial = conv(c_in, c_in, 3, size, groups=c_in, norm=False)
        return [spatial, conv(c_in, c, 1, size)]

    parts = [conv(3, 32, 3, 149), conv(32, 64, 3, 147)]
    for c_in, hidden, c, size, out in [
        (64, 128, 128, 147, 74),
        (128, 256, 256, 74, 37),
        (256, 728, 728, 37, 19),
        (728, 728, 1024, 19, 10),
    ]:
        parts += [*separable(c_in, hidden, size), *separable(hidden, c, size)]
        parts.append(conv(c_in, c, 1, out))
    parts += separable(728, 728, 19) * 3 * 8
    parts += [*separable(1024, 1536, 10), *separable(1536, 2048, 10), linear(2048, 1000)]
    return total(parts)


def inception_v3() -> tuple[int, int]:
    """Every convolution by the area of its kernel; b, c, d and e as in the figures."""
    parts = [taps(9, 3, 32, 149), taps(9, 32, 32, 147), taps(9, 32, 64, 147)]
    parts += [taps(1, 64, 80, 73), taps(9, 80, 192, 71)]
    for c_in, pooled in [(192, 32), (256, 64), (288, 64)]:
        parts += [taps(1, c_in, c, 35) for c in (64, 48, 64, pooled)]
        parts += [taps(25, 48, 64, 35), taps(9, 64, 96, 35), taps(9, 96, 96, 35)]
    parts += [taps(9, 288, 384, 17), taps(1, 288, 64, 35), taps(9, 64, 96, 35), taps(9, 96, 96, 17)]
    for c in (128, 160, 160, 192):
        parts += [taps(1, 768, out, 17) for out in (192, c, c, 192)]
        parts += [taps(7, c, c, 17)] * 4 + [taps(7, c, 192, 17)] * 2
    parts += [taps(1, 768, 192, 17)] * 2 + [taps(7, 192, 192, 17)] * 2
    parts += [taps(9, 192, 320, 8), taps(9, 192, 192, 8)]
    for c_in in (1280, 2048):
        parts += [taps(1, c_in, c, 8) for c in (320, 384, 448, 192)]
        parts += [taps(9, 448, 384, 8)] + [taps(3, 384, 384, 8)] * 4
    return total([*parts, linear(2048, 1000)])


# 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool: GoogLeNet, Table 1
GOOGLENET = {
    28: [(64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)],
    14: [
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ],
    7: [(256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)],
}


def googlenet(norm: bool, kernel: int) -> tuple[int, int]:
    """Biases where there is no batch norm; `kernel` is that of the third branch."""

    def unit(c_in: int, c: int, k: int, size: int) -> tuple[int, int]:
        return conv(c_in, c, k, size, bias=not norm, norm=norm)

    parts, c_in = [unit(3, 64, 7, 112), unit(64, 64, 1, 56), unit(64, 192, 3, 56)], 192
    for size, rows in GOOGLENET.items():
        for ones, reduce3, threes, reduce5, fives, pooled in rows:
            parts += [unit(c_in, c, 1, size) for c in (ones, reduce3, reduce5, pooled)]
            parts += [unit(reduce3, threes, 3, size), unit(reduce5, fives, kernel, size)]
            c_in = ones + threes + fives + pooled
    assert c_in == 1024
    return total([*parts, linear(1024, 1000)])


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
    "ghostnet": ghostnet(),
    "xception": xception(),
    "inception_v3": inception_v3(),
    "googlenet": googlenet(norm=False, kernel=5),
    "googlenet_bn": googlenet(norm=True, kernel=3),
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
    "xception": 22_855_952,  # Xception, Table 3
    "inception_v3": 23_834_568,
    "googlenet": 6_998_552,  # the weights of Caffe's bvlc_googlenet
    "googlenet_bn": 6_624_904,
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
    "ghostnet": (2 + 16 * 4 + 4 + 5 * 2 + 2 - 2, 2 + 7 * 2),
    "xception": (2 + 34 * 2 + 4, 1),
    "inception_v3": (5 + 3 * 7 + 4 + 4 * 10 + 6 + 2 * 9, 1),
    "googlenet": (3 + 9 * 6, 1),
    "googlenet_bn": (3 + 9 * 6, 1),
}

GOOGLENET_SHAPES = [
    *[(64, 112), (64, 56), (64, 56), (192, 56), (192, 28), (256, 28), (480, 28), (480, 14)],
    *[(512, 14), (512, 14), (512, 14), (528, 14), (832, 14), (832, 7), (832, 7), (1024, 7)],
    (1024, 1),
]
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
    "ghostnet": [
        *[(16, 112), (16, 112), (24, 56), (24, 56), (40, 28), (40, 28), (80, 14), (80, 14)],
        *[(80, 14), (112, 14), (112, 14), (160, 7), (160, 7), (160, 7), (160, 7), (160, 7)],
        *[(960, 7), (960, 1), (1280, 1)],
    ],
    "xception": [
        *[(32, 149), (64, 147), (128, 74), (256, 37), (728, 19), (728, 19), (1024, 10)],
        *[(1536, 10), (2048, 10), (2048, 1)],
    ],
    "inception_v3": [
        *[(32, 149), (32, 147), (64, 147), (64, 73), (80, 73), (192, 71), (192, 35)],
        *[(256, 35), (288, 35), (768, 17), (768, 17), (768, 17), (768, 17)],
        *[(1280, 8), (2048, 8), (2048, 1)],
    ],
    "googlenet": GOOGLENET_SHAPES,
    "googlenet_bn": GOOGLENET_SHAPES,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_totals_follow_from_the_papers_table(name: str) -> None:
    cost = antcost.analyze(name)
    assert (cost.params, cost.madds) == EXPECTED[name]


@pytest.mark.parametrize("name", KNOWN_PARAMS)
def test_parameters_are_those_that_others_count(name: str) -> None:
    assert antcost.analyze(name).params == KNOWN_PARAMS[name]


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("inception_v3", 27_161_264),  # torchvision
        ("googlenet_bn", 13_004_888),  # torchvision, with aux_logits
        ("googlenet", 13_378_280),
    ],
)
def test_parameters_with_the_auxiliary_heads(name: str, params: int) -> None:
    assert antcost.analyze(name, training=True).params == params


def test_the_auxiliary_heads_follow_from_the_papers() -> None:
    """Inception-v3 on 17 x 17, GoogLeNet twice on 14 x 14; the pools leave 5 x 5 and 4 x 4."""
    fives = (25 * 128 * 768 + 2 * 768, 25 * 128 * 768)
    v3 = total([taps(1, 768, 128, 5), fives, linear(768, 1000)])
    v1 = [
        total([conv(c, 128, 1, 4, bias=True, norm=False), linear(2048, 1024), linear(1024, 1000)])
        for c in (512, 528)
    ]
    for name, expected in (("inception_v3", v3), ("googlenet", total(v1))):
        heads = antcost.analyze(name, training=True).auxiliary
        assert (heads.params, heads.madds) == expected


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
