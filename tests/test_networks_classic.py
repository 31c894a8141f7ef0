"""ResNets, DenseNet, VGG and AlexNet: totals from their papers' tables, and known ones."""

import pytest

import antcost
from antcost.cost.convention import CONVENTIONS
from antcost.graph.layers import Conv2d, Linear

# Convolutions, linear layers, parameters and MAdds.
Counts = tuple[int, int, int, int]
Parts = list[Counts]

DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}


def conv(
    c_in: int, c_out: int, k: int, size: int, groups: int = 1, norm: int = 1, bias: int = 0
) -> Parts:
    """A convolution onto a square map, with the parameters of its batch norm or its biases."""
    weights = k * k * (c_in // groups) * c_out
    return [(1, 0, weights + (2 * norm + bias) * c_out, weights * size * size)]


def linear(c_in: int, c_out: int) -> Parts:
    return [(0, 1, c_in * c_out + c_out, c_in * c_out)]


def norm(c: int) -> Parts:
    return [(0, 0, 2 * c, 0)]


def total(parts: Parts) -> Counts:
    convs, linears, params, madds = map(sum, zip(*parts, strict=True))
    return convs, linears, params, madds


def basic_resnet(depth: int) -> Parts:
    parts, c_in, size = conv(3, 64, 7, 112), 64, 56
    for c, repeat in zip((64, 128, 256, 512), DEPTHS[depth], strict=True):
        for index in range(repeat):
            out = size if index or c == 64 else size // 2
            parts += conv(c_in, c, 3, out) + conv(c, c, 3, out)
            if c_in != c:
                parts += conv(c_in, c, 1, out)
            c_in, size = c, out
    return parts + linear(512, 1000)


def resnet(
    depth: int,
    *,
    early: bool = False,
    inner: int = 64,
    groups: tuple[int, ...] = (1, 1, 1, 1),
    reduction: int = 0,
    bias: int = 0,
) -> Parts:
    """With bottlenecks of `inner` channels in the first stage; `early` strides in 1x1."""
    parts, c_in, size = conv(3, 64, 7, 112, bias=bias), 64, 56
    for stage, (repeat, g) in enumerate(zip(DEPTHS[depth], groups, strict=True)):
        c, m = 256 * 2**stage, inner * 2**stage
        for index in range(repeat):
            out = size if index or stage == 0 else size // 2
            parts += conv(c_in, m, 1, out if early else size)
            parts += conv(m, m, 3, out, groups=g) + conv(m, c, 1, out)
            if reduction:
                parts += linear(c, c // reduction) + linear(c // reduction, c)
            if index == 0:
                parts += conv(c_in, c, 1, out)
            c_in, size = c, out
    return parts + linear(2048, 1000)


def densenet(layers: tuple[int, ...], growth: int) -> Parts:
    parts, c, size = conv(3, 64, 7, 112), 64, 56
    for block, repeat in enumerate(layers):
        if block:
            parts += norm(c) + conv(c, c // 2, 1, size, norm=0)
            c, size = c // 2, size // 2
        for _ in range(repeat):
            parts += norm(c) + conv(c, 4 * growth, 1, size)
            parts += conv(4 * growth, growth, 3, size, norm=0)
            c += growth
    return parts + norm(c) + linear(c, 1000)


def plain(rows: list[tuple[int, int, int, int, int]], features: int) -> Parts:
    """Convolutions (c_in, c_out, kernel, size, groups) and three linear layers, with biases."""
    parts = [part for row in rows for part in conv(*row, norm=0, bias=1)]
    return parts + linear(features, 4096) + linear(4096, 4096) + linear(4096, 1000)


VGG = [
    *[(3, 64, 3, 224, 1), (64, 64, 3, 224, 1), (64, 128, 3, 112, 1), (128, 128, 3, 112, 1)],
    *[(128, 256, 3, 56, 1), (256, 256, 3, 56, 1), (256, 256, 3, 56, 1)],
    *[(256, 512, 3, 28, 1), (512, 512, 3, 28, 1), (512, 512, 3, 28, 1)],
    *[(512, 512, 3, 14, 1)] * 3,
]
ALEXNET = [
    *[(3, 96, 11, 55, 1), (96, 256, 5, 27, 2), (256, 384, 3, 13, 1)],
    *[(384, 384, 3, 13, 2), (384, 256, 3, 13, 2)],
]
ONE_WEIRD_TRICK = [
    *[(3, 64, 11, 55, 1), (64, 192, 5, 27, 1), (192, 384, 3, 13, 1)],
    *[(384, 256, 3, 13, 1), (256, 256, 3, 13, 1)],
]
PARTS = {
    "resnet_18": basic_resnet(18),
    "resnet_34": basic_resnet(34),
    "resnet_50": resnet(50),
    "resnet_50_v1": resnet(50, early=True),
    "resnet_101": resnet(101),
    "resnext_50_32x4d": resnet(50, inner=128, groups=(32, 32, 32, 32)),
    "se_resnet_50": resnet(50, early=True, reduction=16),
    "densenet_121": densenet((6, 12, 24, 16), 32),
    "vgg_16": plain(VGG, 512 * 7 * 7),
    "alexnet": plain(ALEXNET, 256 * 6 * 6),
    "alexnet_owt": plain(ONE_WEIRD_TRICK, 256 * 6 * 6),
    "deep_roots_2": resnet(50, early=True, groups=(2, 1, 1, 1), bias=1),
    "deep_roots_4": resnet(50, early=True, groups=(4, 2, 1, 1), bias=1),
}
TOTALS = {name: total(parts)[2:] for name, parts in PARTS.items()}


@pytest.mark.parametrize("name", PARTS)
def test_layers_and_totals_follow_from_the_tables(name: str) -> None:
    cost = antcost.analyze(name)
    layers = [node.layer for node in cost.graph.nodes]
    convs, linears = (sum(isinstance(x, kind) for x in layers) for kind in (Conv2d, Linear))
    assert (convs, linears, cost.params, cost.madds) == total(PARTS[name])


@pytest.mark.parametrize(
    ("name", "params", "madds"),
    [
        # parameters as torchvision prints them, but of the last
        ("resnet_18", 11_689_512, 1_814_073_344),
        ("resnet_34", 21_797_672, 3_663_761_408),
        ("resnet_50", 25_557_032, 4_089_184_256),
        ("resnet_50_v1", 25_557_032, 3_857_973_248),
        ("resnet_101", 44_549_160, 7_801_405_440),
        ("resnext_50_32x4d", 25_028_904, 4_230_479_872),
        ("densenet_121", 7_978_856, 2_834_161_664),
        ("vgg_16", 138_357_544, 15_470_264_320),
        ("alexnet_owt", 61_100_840, 714_188_480),
        # those of pretrainedmodels' se_resnet50, and of Caffe's bvlc_alexnet
        ("se_resnet_50", 28_088_024, 3_860_488_192),
        ("alexnet", 60_965_224, 724_406_816),
    ],
)
def test_totals_are_exact(name: str, params: int, madds: int) -> None:
    assert TOTALS[name] == (params, madds)


ROOTS = {
    # groups of the four stages; MAdds and parameters: yanii/phd-thesis, rootdata/resnet50ma*.csv
    (1, 1, 1, 1): (3_857_974_312, 25_503_976),
    (2, 1, 1, 1): (3_684_566_056, 25_448_680),
    (4, 2, 1, 1): (3_366_650_920, 25_126_120),
    (8, 4, 2, 1): (2_860_876_840, 23_195_368),
    (16, 8, 4, 2): (2_434_581_544, 18_691_048),
    (32, 16, 8, 4): (2_221_433_896, 16_438_888),
    (64, 32, 16, 8): (2_114_860_072, 15_312_808),
}


@pytest.mark.parametrize("groups", ROOTS)
def test_every_root_of_resnet_50_has_the_counts_of_its_author(groups: tuple[int, ...]) -> None:
    """Their MAdds have each bias once, their parameters none of batch norm."""
    overrides = [f"conv{stage}.groups={g}" for stage, g in enumerate(groups, start=2)]
    cost = antcost.analyze("deep_roots_2", overrides)
    counted = CONVENTIONS["no_bn"].count_params(cost.whole.cost)
    assert (cost.madds + cost.whole.cost.biases, counted) == ROOTS[groups]


@pytest.mark.parametrize("name", ["deep_roots_2", "deep_roots_4"])
def test_the_roots_print_the_counts_of_their_author(name: str) -> None:
    (printed,) = antcost.load(name).published
    cost = antcost.analyze(name)
    counted = CONVENTIONS["no_bn"].count_params(cost.whole.cost)
    assert str(printed.params) == str(counted)
    assert str(printed.madds) == str(cost.madds + cost.whole.cost.biases)


def test_resnet_101_has_the_7_6_billion_of_its_paper_where_1x1_strides() -> None:
    assert antcost.analyze("resnet_101", ["conv[3-5].stride_in=1x1"]).madds == 7_570_194_432


def test_resnet_34_has_the_3_6_billion_of_its_paper_without_convolutions_in_shortcuts() -> None:
    """Option A, which its Table 2 has; three convolutions are left out."""
    shortcuts = [
        row
        for row in antcost.analyze("resnet_34").by("layer")
        if row.name.endswith("shortcut.conv")
    ]
    assert TOTALS["resnet_34"][1] - sum(row.madds for row in shortcuts) == 3_644_493_824


RESNET = [(64, 112), (64, 56), (256, 56), (512, 28), (1024, 14), (2048, 7), (2048, 1)]
BASIC = [(64, 112), (64, 56), (64, 56), (128, 28), (256, 14), (512, 7), (512, 1)]
SHAPES = {
    **{name: RESNET for name in PARTS if "res" in name or "roots" in name},
    "resnet_18": BASIC,
    "resnet_34": BASIC,
    "densenet_121": [
        *[(64, 112), (64, 56), (256, 56), (128, 28), (512, 28), (256, 14), (1024, 14), (512, 7)],
        *[(1024, 7), (1024, 7), (1024, 1)],
    ],
    "vgg_16": [
        *[(64, 224), (64, 112), (128, 112), (128, 56), (256, 56), (256, 28), (512, 28), (512, 14)],
        *[(512, 14), (512, 7)],
    ],
    "alexnet": [
        *[(96, 55), (96, 27), (256, 27), (256, 13), (384, 13), (384, 13), (256, 13), (256, 6)],
    ],
    "alexnet_owt": [
        *[(64, 55), (64, 27), (192, 27), (192, 13), (384, 13), (256, 13), (256, 13), (256, 6)],
    ],
}


@pytest.mark.parametrize("name", PARTS)
def test_the_stages_have_the_shapes_of_the_table(name: str) -> None:
    outputs = [row.output for row in antcost.analyze(name).by("stage")]
    maps = [(shape.c, shape.h) for shape in outputs if shape.rank == 3]
    assert maps == SHAPES[name]
    assert all(shape.h == shape.w for shape in outputs if shape.rank == 3)
    vectors = [shape.c for shape in outputs if shape.rank == 1]
    hidden = [4096, 4096] if name.startswith(("vgg", "alexnet")) else []
    assert vectors == [*hidden, 1000]


@pytest.mark.parametrize("name", TOTALS)
def test_what_sources_print_of_torchvision_rounds_from_our_counts(name: str) -> None:
    cost = antcost.analyze(name)
    for row in antcost.load(name).published:
        if row.source == "torchvision":
            assert str(row.params) == str(cost.params)
            assert row.madds is not None
            assert row.madds.rounds(cost.madds)


@pytest.mark.torch
@pytest.mark.parametrize("name", TOTALS)
def test_every_parameter_is_trained(name: str) -> None:
    torch = pytest.importorskip("torch", reason="needs the check extra")
    side = 67 if name == "alexnet" else 64
    spec = antcost.load(name, ["classes=10", f"input=[3, {side}, {side}]"])
    module = antcost.torch_module(antcost.build_graph(spec))
    images = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    module(images).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())
