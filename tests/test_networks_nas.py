"""Networks of architecture search: totals from the tables of their cells and of their frames."""

from collections.abc import Iterator

import pytest

import antcost
from antcost.graph.layers import Conv2d, Linear

# The edges of a cell, two a sum: operation and the state it reads.
Edges = str
# Filters, channels and size of the input, channels of the input before and how it becomes state 1.
Row = tuple[int, int, int, int, str]

NASNET_NORMAL = "sep5 0 sep3 1  sep5 1 sep3 1  avg3 0 id 1  avg3 1 avg3 1  sep3 0 id 0"
NASNET_REDUCTION = "sep5 0 sep7 1  max3 0 sep7 1  avg3 0 sep5 1  id 3 avg3 2  sep3 2 max3 0"
AMOEBA_NORMAL = "avg3 0 max3 0  sep3 1 id 1  id 0 avg3 1  sep3 0 sep5 2  avg3 5 sep3 0"
AMOEBA_REDUCTION = "sep3 1 avg3 0  max3 0 sep7 2  max3 1 max3 0  sep3 4 c1x7 0  avg3 1 sep7 0"
PNASNET = "sep5 1 max3 1  sep7 0 max3 0  sep5 0 sep3 0  sep3 4 max3 0  sep3 1 id 0"

NASNET_ROWS: list[tuple[str, Row]] = [
    (NASNET_REDUCTION, (11, 32, 111, 32, "raw")),
    (NASNET_REDUCTION, (22, 44, 56, 32, "factorized")),
    (NASNET_NORMAL, (44, 88, 28, 44, "factorized")),
    (NASNET_NORMAL, (44, 264, 28, 88, "1x1")),
    *[(NASNET_NORMAL, (44, 264, 28, 264, "1x1"))] * 2,
    (NASNET_REDUCTION, (88, 264, 28, 264, "1x1")),
    (NASNET_NORMAL, (88, 352, 14, 264, "factorized")),
    (NASNET_NORMAL, (88, 528, 14, 352, "1x1")),
    *[(NASNET_NORMAL, (88, 528, 14, 528, "1x1"))] * 2,
    (NASNET_REDUCTION, (176, 528, 14, 528, "1x1")),
    (NASNET_NORMAL, (176, 704, 7, 528, "factorized")),
    (NASNET_NORMAL, (176, 1056, 7, 704, "1x1")),
    *[(NASNET_NORMAL, (176, 1056, 7, 1056, "1x1"))] * 2,
]
AMOEBA_ROWS: list[tuple[str, Row]] = [
    (AMOEBA_REDUCTION, (12, 32, 111, 32, "raw")),
    (AMOEBA_REDUCTION, (25, 60, 56, 32, "factorized")),
    (AMOEBA_NORMAL, (50, 125, 28, 60, "factorized")),
    (AMOEBA_NORMAL, (50, 200, 28, 125, "1x1")),
    *[(AMOEBA_NORMAL, (50, 200, 28, 200, "1x1"))] * 2,
    (AMOEBA_REDUCTION, (100, 200, 28, 200, "1x1")),
    (AMOEBA_NORMAL, (100, 500, 14, 200, "factorized")),
    (AMOEBA_NORMAL, (100, 400, 14, 500, "1x1")),
    *[(AMOEBA_NORMAL, (100, 400, 14, 400, "1x1"))] * 2,
    (AMOEBA_REDUCTION, (200, 400, 14, 400, "1x1")),
    (AMOEBA_NORMAL, (200, 1000, 7, 400, "factorized")),
    (AMOEBA_NORMAL, (200, 800, 7, 1000, "1x1")),
    *[(AMOEBA_NORMAL, (200, 800, 7, 800, "1x1"))] * 2,
]
PNASNET_ROWS: list[tuple[str, Row]] = [
    (PNASNET, (13, 32, 111, 32, "raw")),
    (PNASNET, (27, 65, 56, 32, "factorized")),
    (PNASNET, (54, 135, 28, 65, "factorized")),
    (PNASNET, (54, 270, 28, 135, "1x1")),
    (PNASNET, (54, 270, 28, 270, "1x1")),
    (PNASNET, (108, 270, 28, 270, "1x1")),
    (PNASNET, (108, 540, 14, 270, "factorized")),
    (PNASNET, (108, 540, 14, 540, "1x1")),
    (PNASNET, (216, 540, 14, 540, "1x1")),
    (PNASNET, (216, 1080, 7, 540, "factorized")),
    (PNASNET, (216, 1080, 7, 1080, "1x1")),
]

Parts = list[tuple[int, int]]


def conv(c_in: int, c_out: int, area: int, outputs: int, groups: int = 1, norm: int = 1) -> Parts:
    """Parameters, batch norm included, and MAdds of one convolution onto so many pixels."""
    weights = area * (c_in // groups) * c_out
    return [(weights + norm * 2 * c_out, weights * outputs)]


def separable(k: int, c: int, f: int, out: int) -> Parts:
    first = conv(c, c, k * k, out**2, c, norm=0) + conv(c, f, 1, out**2)
    return first + conv(f, f, k * k, out**2, f, norm=0) + conv(f, f, 1, out**2)


def factorized(c: int, f: int, out: int) -> Parts:
    return conv(c, f // 2, 1, out**2) + conv(c, f - f // 2, 1, out**2)


def pairs(edges: Edges) -> Iterator[tuple[str, int]]:
    words = edges.split()
    return ((name, int(state)) for name, state in zip(words[::2], words[1::2], strict=True))


def operation(name: str, c: int, f: int, size: int, out: int) -> Parts:
    """`size` is that of the state it reads, `out` that of what it makes."""
    q = f // 4
    match name:
        case "sep3" | "sep5" | "sep7":
            return separable(int(name[3]), c, f, out)
        case "dil3":
            return conv(c, c, 9, out**2, c, norm=0) + conv(c, f, 1, out**2)
        case "avg3" | "max3":
            return [] if c == f else conv(c, f, 1, out**2)
        case "id":
            return [] if c == f and size == out else conv(c, f, 1, out**2)
        case "skip":
            return [] if size == out else factorized(c, f, out)
        case "c1x7":
            thin = conv(c, q, 1, size**2) + conv(q, q, 7, size * out) + conv(q, q, 7, out**2)
            return thin + conv(q, f, 1, out**2)
    raise AssertionError(name)


def edges_of(edges: Edges, channels: tuple[int, int], f: int, size: int, out: int) -> Parts:
    parts: Parts = []
    for name, state in pairs(edges):
        c, side = (channels[state], size) if state < 2 else (f, out)
        parts += operation(name, c, f, side, out)
    return parts


def nasnet(rows: list[tuple[str, Row]], last: int) -> Parts:
    """The frame of NASNet; the size of a cell's output is that of the next one's input."""
    parts = conv(3, 32, 9, 111**2)
    sizes = [row[2] for _, row in rows] + [7]
    for (edges, (f, c, size, c_before, state1)), out in zip(rows, sizes[1:], strict=True):
        parts += conv(c, f, 1, size**2)
        if state1 == "factorized":
            parts += factorized(c_before, f, size)
        elif state1 == "1x1":
            parts += conv(c_before, f, 1, size**2)
        parts += edges_of(edges, (f, c if state1 == "raw" else f), f, size, out)
    return [*parts, (last * 1000 + 1000, last * 1000)]


def darts(normal: Edges, reduction: Edges, c: int) -> Parts:
    """14 cells of 4 filters each way; cells 4 and 9 reduce."""
    parts = conv(3, c // 2, 9, 112**2) + conv(c // 2, c, 9, 56**2) + conv(c, c, 9, 28**2)
    before, here, f, size = (c, 56), c, c, 28
    for cell in range(14):
        reduces = cell in (4, 9)
        f, out = (2 * f, size // 2) if reduces else (f, size)
        same = before[1] == size
        parts += conv(before[0], f, 1, size**2) if same else factorized(before[0], f, size)
        parts += conv(here, f, 1, size**2)
        parts += edges_of(reduction if reduces else normal, (f, f), f, size, out)
        before, here, size = (here, size), 4 * f, out
    return [*parts, (here * 1000 + 1000, here * 1000)]


DARTS_V1 = (
    "sep3 1 sep3 0  skip 0 sep3 1  skip 0 sep3 1  sep3 0 skip 2",
    "max3 0 max3 1  skip 2 max3 0  max3 0 skip 2  skip 2 avg3 0",
)
DARTS_V2 = (
    "sep3 0 sep3 1  sep3 0 sep3 1  sep3 1 skip 0  skip 0 dil3 2",
    "max3 0 max3 1  skip 2 max3 1  max3 0 skip 2  skip 2 max3 1",
)
PARTS = {
    "nasnet_a_mobile": nasnet(NASNET_ROWS, 1056),
    "amoebanet_a_mobile": nasnet(AMOEBA_ROWS, 800),
    "pnasnet5_mobile": nasnet(PNASNET_ROWS, 1080),
    "darts_v1": darts(*DARTS_V1, 50),
    "darts_v2": darts(*DARTS_V2, 48),
}
TOTALS = {
    name: (sum(params for params, _ in parts), sum(madds for _, madds in parts))
    for name, parts in PARTS.items()
}


@pytest.mark.parametrize("name", TOTALS)
def test_totals_follow_from_the_tables(name: str) -> None:
    cost = antcost.analyze(name)
    assert (cost.params, cost.madds) == TOTALS[name]


@pytest.mark.parametrize("name", PARTS)
def test_the_number_of_convolutions_and_linear_layers(name: str) -> None:
    layers = [node.layer for node in antcost.analyze(name).graph.nodes]
    assert sum(isinstance(layer, Conv2d) for layer in layers) == len(PARTS[name]) - 1
    assert sum(isinstance(layer, Linear) for layer in layers) == 1


@pytest.mark.parametrize(
    ("name", "params", "madds"),
    [
        ("nasnet_a_mobile", 5_289_978, 563_638_816),  # as many as Keras' NASNetMobile can train
        ("amoebanet_a_mobile", 5_086_930, 554_687_204),
        ("pnasnet5_mobile", 5_064_487, 587_293_200),
        ("darts_v1", 4_853_975, 547_483_200),
        ("darts_v2", 4_718_752, 529_911_552),  # quark0/darts prints a size of 4.718752MB
    ],
)
def test_totals_are_exact(name: str, params: int, madds: int) -> None:
    assert TOTALS[name] == (params, madds)


def test_pnasnet_has_its_588m_where_conv0_is_padded() -> None:
    assert antcost.analyze("pnasnet5_mobile", ["conv0.padding=same"]).madds == 587_578_640


STEM = [(32, 111)]
SHAPES = {
    "nasnet_a_mobile": [
        *[*STEM, (44, 56), (88, 28), (264, 28), (352, 14), (528, 14), (704, 7), (1056, 7)],
        *[(1056, 7), (1056, 1)],
    ],
    "amoebanet_a_mobile": [
        *[*STEM, (60, 56), (125, 28), (200, 28), (500, 14), (400, 14), (1000, 7), (800, 7)],
        *[(800, 7), (800, 1)],
    ],
    "pnasnet5_mobile": [
        *[*STEM, (65, 56), (135, 28), (270, 28), (540, 14), (1080, 7), (1080, 7), (1080, 1)],
    ],
    "darts_v1": [
        *[(25, 112), (50, 56), (50, 28), (200, 28), (400, 14), (400, 14), (800, 7), (800, 7)],
        (800, 1),
    ],
    "darts_v2": [
        *[(24, 112), (48, 56), (48, 28), (192, 28), (384, 14), (384, 14), (768, 7), (768, 7)],
        (768, 1),
    ],
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_stages_have_the_shapes_of_the_table(name: str) -> None:
    *maps, logits = (row.output for row in antcost.analyze(name).by("stage"))
    assert [(shape.c, shape.h) for shape in maps] == SHAPES[name]
    assert all(shape.h == shape.w for shape in maps)
    assert logits.dims == (1000,)


@pytest.mark.parametrize(
    ("name", "c", "sizes", "k", "norms"),
    [
        ("nasnet_a_mobile", 528, (14, 4), 4, 2),
        ("amoebanet_a_mobile", 400, (14, 4), 4, 2),
        ("pnasnet5_mobile", 540, (14, 4), 4, 2),
        ("darts_v1", 800, (7, 2), 2, 2),
        ("darts_v2", 768, (7, 2), 2, 1),
    ],
)
def test_the_auxiliary_head(name: str, c: int, sizes: tuple[int, int], k: int, norms: int) -> None:
    head = antcost.analyze(name, training=True).auxiliary
    assert [node.shape.h for node in head.nodes[:2]] == list(sizes)
    assert head.nodes[0].input_shapes[0].c == c
    small, large = c * 128, k * k * 128 * 768
    assert head.madds == small * sizes[1] ** 2 + large + 768 * 1000
    norm_params = 2 * 128 + (2 * 768 if norms == 2 else 0)
    assert head.params == small + large + norm_params + 768 * 1000 + 1000


@pytest.mark.parametrize("name", TOTALS)
def test_published_figures_are_carried_as_printed(name: str) -> None:
    first = antcost.load(name).published[0]
    figures = (str(first.params), str(first.madds), first.top1, first.top5)
    assert (
        figures
        == {
            "nasnet_a_mobile": ("5.3M", "564M", 74.0, 91.3),
            "amoebanet_a_mobile": ("5.1M", "555M", 74.5, 92.0),
            "pnasnet5_mobile": ("5.1M", "588M", 74.2, 91.9),
            "darts_v1": ("4.9M", "595M", 73.1, 91.0),
            "darts_v2": ("4.7M", "574M", 73.3, 91.3),
        }[name]
    )


@pytest.mark.torch
@pytest.mark.parametrize("name", TOTALS)
def test_every_parameter_is_trained(name: str) -> None:
    torch = pytest.importorskip("torch", reason="needs the check extra")
    module = antcost.torch_module(antcost.build_graph(antcost.load(name, ["classes=10"])))
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    module(images).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())
