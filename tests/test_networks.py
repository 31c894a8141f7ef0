"""The shipped networks: known totals, and totals worked out from the papers' tables."""

import re
from collections.abc import Callable

import pytest
from conftest import ROOT
from test_networks_classic import TOTALS as CLASSIC
from test_networks_modern import SHAPES as MODERN
from test_networks_nas import TOTALS as NAS
from test_networks_paper import SHAPES as PAPER
from typer.testing import Result

import antcost
from antcost.cost.analysis import NetCost
from antcost.cost.convention import CONVENTIONS
from antcost.graph.layers import Conv2d, Linear
from antcost.sources.specs.catalog import shipped_names

ELSEWHERE = {*CLASSIC, *MODERN, *NAS, *PAPER}
"""The networks of tests/test_networks_*.py."""

# expansion, reduction, channels, repeat, stride: ANTNets, Table 2
TABLE_2 = [
    (1, 8, 16, 1, 1),
    (6, 8, 24, 2, 2),
    (6, 12, 32, 3, 2),
    (6, 16, 64, 4, 2),
    (6, 24, 96, 3, 1),
    (6, 32, 160, 3, 2),
    (6, 64, 320, 1, 1),
]


def conv(c_in: int, c_out: int, k: int, size: int, groups: int = 1) -> tuple[int, int]:
    """Parameters (batch norm included) and MAdds of a convolution onto a square map."""
    return taps(k * k, c_in, c_out, size, groups)


def taps(area: int, c_in: int, c_out: int, size: int, groups: int = 1) -> tuple[int, int]:
    """The same by the area of the kernel, which need not be square."""
    weights = area * (c_in // groups) * c_out
    return weights + 2 * c_out, weights * size * size


def attention(c: int, reduction: int) -> tuple[int, int]:
    return (2 * c * (c // reduction),) * 2


def antnet(
    groups: tuple[int, ...] = (1,),
    first_groups: tuple[int, ...] = (1,),
    reduction: int | None = None,
    place: str | None = "after_depthwise",
    cifar: bool = False,
    expand_at_1: bool = True,
) -> tuple[int, int]:
    """Parameters and MAdds of the ANTNet family, from Table 2 and nothing of antcost.

    One branch for each entry of `groups`; more than one makes an e-ANTNet.
    """
    size, classes = (32, 100) if cifar else (112, 1000)
    parts, c_in = [conv(3, 32, 3, size)], 32
    for index, (t, r, c_out, repeat, stride) in enumerate(TABLE_2):
        for block in range(repeat):
            out = -(-size // stride) if block == 0 and not (cifar and index == 1) else size
            branches = groups if index else first_groups
            for g in branches:
                c = t * c_in
                if t > 1 or expand_at_1:
                    parts.append(conv(c_in, c, 1, size))
                parts.append(conv(c, c, 3, out, groups=c))
                parts.append(conv(c, c_out, 1, out, groups=g))
                width = {"after_depthwise": c, "before_expansion": c_in, "after_projection": c_out}
                if place:
                    parts.append(attention(width[place], reduction or r))
            parts.append((len(branches) if len(branches) > 1 else 0, 0))
            size, c_in = out, c_out
    parts.append(conv(c_in, 1280, 1, size))
    parts.append((1280 * classes + classes, 1280 * classes))
    params, madds = zip(*parts, strict=True)
    return sum(params), sum(madds)


def mobilenet_v1() -> tuple[int, int]:
    rows = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5]
    rows += [(1024, 2), (1024, 1)]
    parts, c_in, size = [conv(3, 32, 3, 112)], 32, 112
    for c_out, stride in rows:
        size //= stride
        parts += [conv(c_in, c_in, 3, size, groups=c_in), conv(c_in, c_out, 1, size)]
        c_in = c_out
    parts.append((1024 * 1000 + 1000, 1024 * 1000))
    params, madds = zip(*parts, strict=True)
    return sum(params), sum(madds)


def squeezenext() -> tuple[int, int]:
    """2.0-SqNxt-23v5, from the Caffe file: 111 convolutions and a classifier without biases."""
    parts, c_in = [conv(3, 64, 5, 112), conv(64, 64, 1, 56)], 64
    for c, repeat, size in [(64, 2, 56), (128, 4, 28), (256, 14, 14), (512, 1, 7)]:
        if c != c_in:
            parts.append(conv(c_in, c, 1, size))
        block = [conv(c, c // 2, 1, size), conv(c // 2, c // 4, 1, size)]
        block += [taps(3, c // 4, c // 2, size), taps(3, c // 2, c // 2, size)]
        parts += [*block, conv(c // 2, c, 1, size)] * repeat
        c_in = c
    parts += [conv(512, 128, 1, 7), (128 * 1000, 128 * 1000)]
    params, madds = zip(*parts, strict=True)
    return sum(params), sum(madds)


def condensenet(groups: int) -> tuple[int, int]:
    """CondenseNet-74 converted, G = C: 36 dense layers; batch norm has the channels before."""
    c, madds, params = 16, 27 * 16 * 112 * 112, 27 * 16
    for layers, growth, size in [(4, 8, 112), (6, 16, 56), (8, 32, 28), (10, 64, 14), (8, 128, 7)]:
        for _ in range(layers):
            weights = c * 4 * growth // groups + 9 * 4 * growth * growth // groups
            params += weights + 2 * c + 2 * 4 * growth
            madds += weights * size * size
            c += growth
    assert c == 2064
    return params + 2 * c + 1032 * 1000 + 1000, madds + 1032 * 1000


def shufflenet(stem: int, width: int) -> tuple[int, int]:
    """ShuffleNet with g = 3 and `width` channels after stage 2: 16 units of three convolutions."""
    parts, c_in, size = [conv(3, stem, 3, 112)], stem, 56
    for c, units in [(width, 4), (2 * width, 8), (4 * width, 4)]:
        for unit in range(units):
            grown = c if unit else c - c_in
            out = size if unit else size // 2
            parts.append(conv(c_in, c // 4, 1, size, groups=1 if c_in == stem else 3))
            parts.append(conv(c // 4, c // 4, 3, out, groups=c // 4))
            parts.append(conv(c // 4, grown, 1, out, groups=3))
            c_in, size = c, out
    parts.append((c_in * 1000, c_in * 1000))
    params, madds = zip(*parts, strict=True)
    return sum(params), sum(madds)


BOTH = {"groups": (1, 2), "first_groups": (1, 2)}
EXPECTED = {
    "antnet_g1": antnet(),
    "antnet_g2": antnet(groups=(2,)),
    "e_antnet": antnet(**BOTH),
    "mobilenet_v1": mobilenet_v1(),
    "mobilenet_v2": antnet(place=None, expand_at_1=False),
    "squeezenext": squeezenext(),
    "condensenet_g4": condensenet(4),
    "condensenet_g8": condensenet(8),
    "shufflenet_1.5x": shufflenet(24, 360),
    "shufflenet_2x": shufflenet(48, 480),
    "cifar100/antnet_g1": antnet(cifar=True),
    "cifar100/antnet_g2": antnet(groups=(2,), cifar=True),
    "cifar100/e_antnet": antnet(**BOTH, cifar=True),
    "cifar100/mobilenet_v2": antnet(place=None, cifar=True, expand_at_1=False),
    "cifar100/se_mobilenet_v2": antnet(place="after_projection", cifar=True, expand_at_1=False),
    "cifar100/c_antnet": antnet(place="before_expansion", cifar=True),
    "cifar100/antnet_c": antnet(place="after_projection", cifar=True),
    "cifar100/antnet_r8": antnet(reduction=8, cifar=True),
    "cifar100/antnet_r16": antnet(reduction=16, cifar=True),
    "cifar100/antnet_r32": antnet(reduction=32, cifar=True),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_totals_follow_from_the_papers_table(name: str) -> None:
    cost = antcost.analyze(name)
    assert (cost.params, cost.madds) == EXPECTED[name]


def test_mobilenet_v2_is_exact() -> None:
    """Parameters as torchvision's, multiply-adds as half of torch's FlopCounterMode."""
    cost = antcost.analyze("mobilenet_v2")
    assert (cost.params, cost.madds, cost.flops) == (3_504_872, 300_774_272, 601_548_544)


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("mobilenet_v2_1.4", [48, 24, 32, 48, 88, 136, 224, 448, 1792, 1792, 1000]),
        ("antnet_1.4", [48, 24, 32, 48, 88, 136, 224, 448, 1792, 1792, 1000]),
    ],
)
def test_the_channels_at_width_1_4(name: str, channels: list[int]) -> None:
    assert [row.output.c for row in antcost.analyze(name).by("stage")] == channels


def test_mobilenet_v2_1_4_rounds_to_what_tensorflow_prints() -> None:
    """582M MAdds, and 6.06M parameters without batch norm (tensorflow/models research/slim)."""
    cost = antcost.analyze("mobilenet_v2_1.4")
    assert cost.madds == 582_195_824
    assert cost.params - cost.whole.cost.norm_params == 6_060_840


def test_shufflenet_2x_at_width_0_5_is_shufflenet_1x() -> None:
    cost = antcost.analyze("shufflenet_2x", ["width=0.5"])
    assert (cost.params, cost.madds) == shufflenet(24, 240)


CONVS_AND_LINEARS = {
    "mobilenet_v1": (27, 1),
    "mobilenet_v2": (52, 1),
    "squeezenext": (111, 1),
    "condensenet_g4": (73, 1),
    "condensenet_g8": (73, 1),
    "shufflenet_1.5x": (49, 1),
    "shufflenet_2x": (49, 1),
}


@pytest.mark.parametrize("name", CONVS_AND_LINEARS)
def test_the_number_of_convolutions_and_linear_layers(name: str) -> None:
    layers = [node.layer for node in antcost.analyze(name).graph.nodes]
    convs, linears = (sum(isinstance(x, kind) for x in layers) for kind in (Conv2d, Linear))
    assert (convs, linears) == CONVS_AND_LINEARS[name]


@pytest.mark.parametrize(
    ("name", "convention", "exact", "millions"),
    [
        ("squeezenext", "squeezenext", 707_985_920, 708),
        ("condensenet_g4", "condensenet", 529_328_264, 529),
        ("condensenet_g8", "condensenet", 274_233_480, 274),
        ("shufflenet_1.5x", "madds", 292_443_552, 292),
        ("shufflenet_2x", "madds", 524_045_184, 524),
    ],
)
def test_authors_count_what_they_print(
    name: str, convention: str, exact: int, millions: int
) -> None:
    count = CONVENTIONS[convention].count(antcost.analyze(name).whole.cost)
    assert count == exact
    assert round(count / 1e6) == millions


def test_every_shipped_network_is_tested_or_scaled() -> None:
    assert set(shipped_names()) == {*EXPECTED, *ELSEWHERE, "antnet_1.4", "mobilenet_v2_1.4"}


def sizes(cost: NetCost) -> list[int]:
    return [row.output.h for row in cost.by("stage") if row.output.rank == 3]


CONDENSENET = [
    *[(16, 112), (48, 112), (48, 56), (144, 56), (144, 28), (400, 28), (400, 14), (1040, 14)],
    *[(1040, 7), (2064, 7), (2064, 7), (2064, 1), (1032, 1)],
]
SHAPES = {
    # channels and size after each stage, where a paper's table has others than the ANTNets'
    "squeezenext": [
        *[(64, 112), (64, 56), (64, 56), (64, 56), (128, 28), (128, 28), (256, 14), (256, 14)],
        *[(512, 7), (512, 7), (128, 7), (128, 1)],
    ],
    "condensenet_g4": CONDENSENET,
    "condensenet_g8": CONDENSENET,
    "shufflenet_1.5x": [(24, 112), (24, 56), (360, 28), (720, 14), (1440, 7), (1440, 1)],
    "shufflenet_2x": [(48, 112), (48, 56), (480, 28), (960, 14), (1920, 7), (1920, 1)],
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_stages_have_the_shapes_of_the_table(name: str) -> None:
    outputs = [row.output for row in antcost.analyze(name).by("stage")]
    assert [(shape.c, shape.h) for shape in outputs[:-1]] == SHAPES[name]


@pytest.mark.parametrize("name", sorted({*shipped_names()} - {*SHAPES, *ELSEWHERE}))
def test_the_maps_have_the_sizes_of_the_table(name: str) -> None:
    cost = antcost.analyze(name)
    if name == "mobilenet_v1":
        assert sizes(cost) == [112, 112, 56, 28, 14, 7, 1]
    elif name.startswith("cifar100/"):
        assert sizes(cost) == [32, 32, 32, 16, 8, 8, 4, 4, 4, 1]
    else:
        assert sizes(cost) == [112, 112, 56, 28, 14, 14, 7, 7, 7, 1]
    assert cost.graph.output.dims == ((100,) if name.startswith("cifar100/") else (1000,))


@pytest.mark.parametrize("name", shipped_names())
def test_blocks_stages_and_kinds_add_up_to_the_total(name: str) -> None:
    cost = antcost.analyze(name)
    for level in ("layer", "block", "stage", "kind"):
        rows = cost.by(level)
        assert sum(row.params for row in rows) == cost.params
        assert sum(row.madds for row in rows) == cost.madds
        assert sum(len(row.nodes) for row in rows) == len(cost.graph.nodes)


@pytest.mark.parametrize("name", shipped_names())
def test_golden_table(name: str, run: Callable[..., Result]) -> None:
    """Written by `make golden`."""
    golden = ROOT / "tests" / "golden" / f"{name.replace('/', '_')}.txt"
    assert run("table", name, "--exact").stdout == golden.read_text()


PUBLISHED = {
    # params, madds, top1, top5: ANTNets, Table 7 and Table 5
    "antnet_g1": ("3.7M", "322M", 73.2, 91.2),
    "antnet_g2": ("3.2M", "267M", 72.8, 91.0),
    "e_antnet": ("5.5M", "545M", 74.2, 91.6),
    "antnet_1.4": ("6.8M", "598M", 75.0, 92.3),
    "mobilenet_v1": ("4.2M", "575M", 70.6, 89.5),
    "mobilenet_v2": ("3.4M", "300M", 72.0, 91.0),
    "mobilenet_v2_1.4": ("6.9M", "585M", 74.7, 92.5),
    "squeezenext": ("3.2M", "708M", 67.5, 88.2),
    "condensenet_g4": ("2.9M", "274M", 71.0, 90.0),  # the figures of G = C = 8
    "condensenet_g8": ("4.8M", "529M", 73.8, 91.7),  # the figures of G = C = 4
    "shufflenet_1.5x": ("3.4M", "292M", 71.5, None),
    "shufflenet_2x": ("5.4M", "524M", 73.7, None),
    "cifar100/antnet_r8": ("3.5M", "92.3M", 75.9, 94.1),
    "cifar100/antnet_r16": ("3.0M", "91.7M", 75.2, 93.9),
    "cifar100/antnet_r32": ("2.8M", "91.5M", 75.5, 93.9),
    "cifar100/antnet_g1": ("2.7M", "91.4M", 75.9, 94.3),
}


def test_latencies_are_carried_as_printed() -> None:
    """ANTNets, Table 8 and abstract."""
    latencies = [
        (row.source, str(row.latency))
        for name in ("mobilenet_v2", "antnet_g2")
        for row in antcost.load(name).published
        if row.latency
    ]
    assert latencies == [
        ("ANTNets, Table 8 (Xeon E5-2620)", "1.21s"),
        ("ANTNets, Table 8 (Xeon E5-2620)", "1.11s"),
        ("ANTNets, abstract (iPhone 5s)", "157.7ms"),
    ]


@pytest.mark.parametrize("name", sorted({*shipped_names()} - {*ELSEWHERE}))
def test_published_figures_are_carried_as_printed(name: str) -> None:
    published = antcost.load(name).published
    if name not in PUBLISHED:
        assert published == ()
        return
    (row,) = (row for row in published if re.match("ANTNets, Table [57]", row.source))
    figures = (str(row.params), str(row.madds), row.top1, row.top5)
    assert figures == PUBLISHED[name]
