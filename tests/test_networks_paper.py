"""Networks of ANTNets' related work: totals from their authors' code, and nothing of antcost."""

import pytest

import antcost
from antcost.graph.layers import Conv2d, Linear

Counts = tuple[int, int]


def conv(c_in: int, c_out: int, area: int, size: int, groups: int = 1, each: int = 2) -> Counts:
    """Parameters and MAdds of a convolution; `each` more per channel: 2 of batch norm, 1 bias."""
    weights = area * (c_in // groups) * c_out
    return weights + each * c_out, weights * size * size


def linear(c_in: int, c_out: int) -> Counts:
    return c_in * c_out + c_out, c_in * c_out


def total(parts: list[Counts]) -> Counts:
    params, madds = zip(*parts, strict=True)
    return sum(params), sum(madds)


def shufflenet_cifar() -> Counts:
    """g = 3, 1.5x; 24 channels on 32x32, then maps of 16, 8 and 4; no biases in the classifier."""
    parts, c_in, size = [conv(3, 24, 9, 32)], 24, 32
    for c, units in [(360, 4), (720, 8), (1440, 4)]:
        for unit in range(units):
            out = size if unit else size // 2
            parts.append(conv(c_in, c // 4, 1, size, groups=1 if c_in == 24 else 3))
            parts.append(conv(c // 4, c // 4, 9, out, groups=c // 4))
            parts.append(conv(c // 4, c if unit else c - c_in, 1, out, groups=3))
            c_in, size = c, out
    return total([*parts, (1440 * 100, 1440 * 100)])


def highway() -> Counts:
    """cifar100_network.prototxt: four convolutions, and two in each of 14 highway layers."""
    parts, c_in = [], 3
    for c, layers, size in [(32, 4, 32), (80, 5, 16), (128, 5, 8)]:
        parts.append(conv(c_in, c, 9, size, each=1))
        parts += [conv(c, c, 9, size, each=1)] * 2 * layers
        c_in = c
    return total([*parts, conv(128, 100, 1, 8, each=1), linear(100, 100)])


def igcnet(blocks: int) -> Counts:
    """plain_igc.py with L = 24: one batch norm after the two grouped convolutions of a block."""
    parts, c_in = [conv(3, 48, 9, 32)], 48
    for c, secondary, size in [(48, 2, 32), (96, 4, 16), (192, 8, 8)]:
        for _ in range(blocks):
            parts.append(conv(c_in, c, 9, size, groups=24, each=0))
            parts.append(conv(c, c, 1, size, groups=secondary))
            c_in = c
    return total([*parts, linear(192, 100)])


def flattened(first: list[Counts]) -> Counts:
    """`first`, then two sets of lateral, vertical and horizontal filters in each layer."""
    parts = [*first]
    for c_in, c, size in [(96, 128, 16), (128, 256, 8)]:
        parts += flattened_layer(c_in, c, size)
    return total([*parts, linear(256 * 4 * 4, 256), linear(256, 100)])


def flattened_layer(c_in: int, c: int, size: int) -> list[Counts]:
    one_d = [conv(c, c, 5, size, groups=c, each=1)] * 2
    return [
        *(conv(c_in, c, 1, size, each=1), *one_d),
        *(conv(c, c, 1, size, each=1), *one_d),
    ]


def clcnet(a: int, b: int, c: int, d: int) -> Counts:
    """clcnet.lua: 3x3 in half as many groups as channels, 1x1 in two groups."""
    parts, c_in, size = [conv(3, 32, 9, 112)], 32, 112
    for channels, more in [(64, 0), (128, a), (256, b), (512, c), (1024, d)]:
        size = size if channels == 64 else size // 2
        for _ in range(1 + more):
            parts.append(conv(c_in, c_in, 9, size, groups=c_in // 2))
            parts.append(conv(c_in, channels, 1, size, groups=2))
            c_in = channels
    return total([*parts, linear(1024, 1000)])


EXPECTED = {
    "cifar100/shufflenet_1.5x": shufflenet_cifar(),
    "cifar100/highway_19": highway(),
    "cifar100/igcv1": igcnet(12),
    "cifar100/flattened": flattened(flattened_layer(3, 96, 32)),
    "clcnet": clcnet(1, 1, 5, 2),
    "clcnet_b": clcnet(1, 1, 7, 3),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_totals_follow_from_the_authors_code(name: str) -> None:
    cost = antcost.analyze(name)
    assert (cost.params, cost.madds) == EXPECTED[name]


@pytest.mark.parametrize(
    ("name", "params", "madds"),
    [
        ("cifar100/shufflenet_1.5x", 2_145_168, 93_174_912),
        ("cifar100/highway_19", 2_265_928, 330_835_728),
        ("cifar100/igcv1", 334_612, 57_084_672),
        ("cifar100/flattened", 1_223_492, 27_386_880),
        ("clcnet", 3_253_640, 342_973_440),
        ("clcnet_b", 4_085_128, 424_559_616),
    ],
)
def test_the_totals_in_numbers(name: str, params: int, madds: int) -> None:
    assert EXPECTED[name] == (params, madds)


@pytest.mark.parametrize(
    ("name", "overrides", "expected"),
    [
        ("cifar100/igcv1", ["igc[1-3].repeat=6"], igcnet(6)),
        ("clcnet", ["clc2.repeat=3"], clcnet(1, 3, 5, 2)),
        (
            "cifar100/flattened",
            ["flat1.block=conv", "flat1.bias=true", "flat1.norm=false"],
            flattened([conv(3, 96, 25, 32, each=1)]),
        ),
    ],
)
def test_variants(name: str, overrides: list[str], expected: Counts) -> None:
    cost = antcost.analyze(name, overrides)
    assert (cost.params, cost.madds) == expected


@pytest.mark.parametrize(("name", "megabytes"), [("clcnet", 26.2), ("clcnet_b", 32.9)])
def test_clcnets_files_hold_values_and_gradients(name: str, megabytes: float) -> None:
    """The Torch files of dqzhang17/clcnet.torch: 8 bytes a parameter, and less than 1 % beside."""
    assert 1 < megabytes * 1e6 / (8 * antcost.analyze(name).params) < 1.01


@pytest.mark.parametrize(
    ("name", "convs", "linears"),
    [
        ("cifar100/shufflenet_1.5x", 1 + 3 * 16, 1),
        ("cifar100/highway_19", 4 + 2 * 14, 1),
        ("cifar100/igcv1", 1 + 2 * 36, 1),
        ("cifar100/flattened", 3 * 6, 2),
        ("clcnet", 1 + 2 * 14, 1),
        ("clcnet_b", 1 + 2 * 17, 1),
    ],
)
def test_the_number_of_convolutions_and_linear_layers(name: str, convs: int, linears: int) -> None:
    layers = [node.layer for node in antcost.analyze(name).graph.nodes]
    assert sum(isinstance(layer, Conv2d) for layer in layers) == convs
    assert sum(isinstance(layer, Linear) for layer in layers) == linears


CLCNET = [
    *[(32, 112), (64, 112), (128, 56), (128, 56), (256, 28), (256, 28), (512, 14), (512, 14)],
    *[(1024, 7), (1024, 7), (1024, 1)],
]
SHAPES = {
    # channels and size after each stage but the classifier
    "cifar100/shufflenet_1.5x": [(24, 32), (24, 32), (360, 16), (720, 8), (1440, 4), (1440, 1)],
    "cifar100/highway_19": [
        *[(32, 32), (32, 32), (32, 16), (80, 16), (80, 16), (80, 8)],
        *[(128, 8), (128, 8), (100, 8), (100, 1)],
    ],
    "cifar100/igcv1": [(48, 32), (48, 32), (96, 16), (192, 8), (192, 1)],
    "cifar100/flattened": [(96, 32), (96, 16), (128, 16), (128, 8), (256, 8), (256, 4)],
    "clcnet": CLCNET,
    "clcnet_b": CLCNET,
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_shape_after_every_stage(name: str) -> None:
    cost = antcost.analyze(name)
    maps = [row.output for row in cost.by("stage") if row.output.rank == 3]
    assert [(shape.c, shape.h) for shape in maps] == SHAPES[name]
    assert cost.graph.output.dims == (100 if name.startswith("cifar100/") else 1000,)


def test_secondary_partitions_have_as_many_channels_as_there_are_primary_ones() -> None:
    convs = [
        node
        for node in antcost.analyze("cifar100/igcv1").graph.nodes
        if isinstance(node.layer, Conv2d) and node.name.endswith(("primary", "secondary"))
    ]
    for primary, secondary in zip(convs[::2], convs[1::2], strict=True):
        assert primary.layer.groups == 24
        assert secondary.input_shapes[0].c == 24 * secondary.layer.groups


@pytest.mark.parametrize(
    ("name", "top1"), [("clcnet", 70.4), ("clcnet_b", 71.6), *((n, None) for n in list(SHAPES)[:4])]
)
def test_published_figures_are_carried_as_printed(name: str, top1: float | None) -> None:
    rows = antcost.load(name).published
    assert [(row.source, row.params, row.madds, row.top1) for row in rows] == (
        [("dqzhang17/clcnet.torch", None, None, top1)] if top1 else []
    )
