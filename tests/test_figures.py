"""The figures of a report: exact to the unit, as wide as they should be, no label on another."""

import json
import random
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("altair", reason="needs the report extra")

from conftest import network
from devices import known_device

from antcost import analyze, load
from antcost.charts.cost import MOST_STAGES, cost_by_kind, cost_by_stage
from antcost.charts.files import draw
from antcost.charts.memory import WIDTH, memory_timeline
from antcost.charts.placement import FONT, Box, box_around, cut, steps, text_width
from antcost.charts.plot import Scale
from antcost.charts.style import COLUMN, KINDS, PAGE
from antcost.charts.tradeoff import caption, choices, comparable, pareto, points, tradeoff
from antcost.cost.analysis import analyze_graph
from antcost.cost.memory import live_elems, timeline
from antcost.errors import AntcostError
from antcost.graph.operators import kind
from antcost.graph.shape import Shape
from antcost.graph.tape import Tape
from antcost.sources.network import network_of
from antcost.sources.specs.catalog import shipped_names
from antcost.units import format_count
from antcost.views.comparison import ComparedNetwork

FAMILY = ("mobilenet_v2", "antnet_g1", "antnet_g2", "e_antnet")
HOSTILE = (
    "<script>alert(1)</script>", "W" * 200, "]]>&amp;\"'`\\u0000${x}{{y}}", "字" * 200,
    "\N{ROCKET} launch", "i" * 200,
)  # fmt: skip
SVG = "{http://www.w3.org/2000/svg}"
Rows = list[dict[str, Any]]


def entry(name: str, **fields: Any) -> ComparedNetwork:
    spec = load(name)
    return ComparedNetwork(network_of(spec, name), **fields)


def named(title: str, top1: float | None = None, **fields: Any) -> ComparedNetwork:
    """A small network of this name."""
    conv = {"block": "conv", "kernel": 3, "channels": 8}
    linear = {"block": "linear", "channels": "classes"}
    published = [{"source": title, "top1": top1}] if top1 is not None else []
    given = network(conv, linear) | {"name": title, "published": published} | fields
    spec = load(given)
    return ComparedNetwork(network_of(spec, title))


def rows(chart: Any, *fields: str) -> Rows:
    """The rows of all data that has these fields, among others."""
    data = chart.to_dict()["datasets"].values()
    return [row for one in data for row in one if set(fields) <= row.keys()]


def drawn(chart: Any, path: Path) -> ET.Element:
    """The chart as SVG, which is well-formed or an error, and as the other formats."""
    for suffix in (".pdf", ".png", ".svg"):
        draw(chart, path.with_suffix(suffix))
        assert path.with_suffix(suffix).stat().st_size > 1000
    return ET.parse(path.with_suffix(".svg")).getroot()


def width(svg: ET.Element) -> float:
    return float(svg.attrib["width"])


def texts(svg: ET.Element) -> set[str]:
    return {"".join(text.itertext()) for text in svg.iter(f"{SVG}text")}


def exact(text: str) -> int:
    return int(text.replace(",", "").removesuffix(" ps"))


def sums(parts: Rows, panel: str) -> Counter[tuple[str, str]]:
    """The counts of a panel, by the row and the kind of layer."""
    found: Counter[tuple[str, str]] = Counter()
    for part in parts:
        if part["panel"] == panel:
            found[part["name"], part["kind"]] += exact(part["count"])
    return found


def test_cost_by_kind_is_exact() -> None:
    chart = cost_by_kind([entry(name) for name in FAMILY])
    parts = rows(chart, "panel")
    assert {part["panel"] for part in parts} == {"multiply-adds", "parameters"}
    cost = analyze("mobilenet_v2")
    by_kind = {row.name: row for row in cost.by("kind")}
    madds, params = (sums(parts, panel) for panel in ("multiply-adds", "parameters"))
    for name in ("pointwise conv", "depthwise conv", "conv"):
        assert madds["MobileNetV2", name] == by_kind[name].madds
    assert params["MobileNetV2", "linear"] == by_kind["linear"].params
    assert params["MobileNetV2", "other"] == by_kind["batch norm"].params  # below 3 % everywhere
    assert sum(n for (name, _), n in madds.items() if name == "MobileNetV2") == cost.madds
    assert sum(n for (name, _), n in params.items() if name == "MobileNetV2") == cost.params


def test_a_bar_of_shares_is_filled_without_gaps() -> None:
    parts = rows(cost_by_kind([entry(name) for name in FAMILY]), "panel")
    for panel in ("multiply-adds", "parameters"):
        for name in {part["name"] for part in parts}:
            bar = [part for part in parts if (part["panel"], part["name"]) == (panel, name)]
            assert all(a["end"] == b["start"] for a, b in pairwise(bar))
            assert (bar[0]["start"], bar[-1]["end"]) == (0, 1)


def test_shares_are_written_on_their_parts() -> None:
    """And in a tooltip, of the whole; white or black, whichever can be read."""
    entries = [entry(name) for name in (*FAMILY, "vgg_16", "resnet_18")]
    chart = cost_by_kind(entries)
    wholes = {
        (panel, one.title): count
        for one in entries
        for panel, count in (("multiply-adds", one.cost.madds), ("parameters", one.cost.params))
    }
    texts = chart.to_dict()["spec"]["layer"][1]["encoding"]
    color, bar_pixels = texts["color"], texts["x"]["scale"]["range"][1]
    written = 0
    for part in rows(chart, "panel"):
        count, whole = exact(part["count"]), wholes[part["panel"], part["name"]]
        percent, _, of = part["share"].partition(" % of ")
        assert of == f"{whole:,}"
        assert abs(float(percent) - 100 * count / whole) < 0.051
        assert part["middle"] == pytest.approx((part["start"] + part["end"]) / 2)
        if part["percent"]:
            written += 1
            assert part["percent"] == f"{100 * count / whole:.0f} %"
            assert text_width(part["percent"]) < bar_pixels * count / whole
            is_dark = part["kind"] in color["condition"]["test"]["oneOf"]
            ink = color["condition"]["value"] if is_dark else color["value"]
            lights = sorted(map(light, (ink, KINDS[part["kind"]])))
            assert (lights[1] + 0.05) / (lights[0] + 0.05) > 3
    assert written > 15


def light(color: str) -> float:
    """The relative luminance of a colour, as in WCAG 2."""
    digits = {"white": "ffffff", "black": "000000"}.get(color, color[1:])
    red, green, blue = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    linear = (c / 12.92 if c <= 0.04 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue))
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_totals_stand_behind_their_bars() -> None:
    cost = analyze("antnet_g2")
    chart = cost_by_stage(cost)
    written = [part for part in rows(chart, "panel") if part["total"]]
    totals = {(part["panel"], part["name"]): part["total"] for part in written}
    assert len(written) == len(totals) == 11 + 11
    for row in cost.by("stage"):
        assert totals["multiply-adds", row.name] == format_count(row.madds)
        assert totals["parameters", row.name] == format_count(row.params)
    for part in written:
        bar = [one["end"] for one in rows(chart, "panel") if bar_of(one) == bar_of(part)]
        assert part["end"] == max(bar)


def bar_of(part: dict[str, Any]) -> tuple[str, str]:
    return part["panel"], part["name"]


def test_latency_is_a_third_panel_where_all_have_predictions() -> None:
    entries = [entry(name) for name in FAMILY]
    device = known_device(one.cost for one in entries)
    timed = [replace(one, prediction=device.predict(one.cost)) for one in entries]
    found = sums(rows(cost_by_kind(timed), "panel"), "latency, predicted")
    assert sum(found.values()) == sum(device.latency_ps(one.cost) for one in entries)
    some = cost_by_kind([*timed[1:], entries[0]])
    assert not sums(rows(some, "panel"), "latency, predicted")


def test_cost_by_stage_is_exact(tmp_path: Path) -> None:
    cost = analyze("antnet_g2")
    parts = rows(cost_by_stage(cost), "panel")
    for panel, count in (("multiply-adds", "madds"), ("parameters", "params")):
        found: Counter[str] = Counter()
        for (stage, _), amount in sums(parts, panel).items():
            found[stage] += amount
        stages = {row.name: getattr(row, count) for row in cost.by("stage")}
        assert found == Counter(stages)
    grouped = sum(
        row.madds
        for row in cost.layers
        if row.nodes[0].origin.stage == "ant5" and kind(row.nodes[0]) == "grouped conv"
    )
    assert sums(parts, "multiply-adds")["ant5", "grouped conv"] == grouped > 0
    assert {"20.1M", "pool9", "0"} <= texts(drawn(cost_by_stage(cost), tmp_path / "stages"))


def test_networks_of_one_name_keep_their_rows() -> None:
    parts = rows(cost_by_kind([named("Twin"), named("Other"), named("Twin")]), "panel")
    assert {(part["row"], part["name"]) for part in parts} == {
        (0, "Twin"), (1, "Other"), (2, "Twin"),
    }  # fmt: skip


def test_a_network_without_costs_is_drawn(tmp_path: Path) -> None:
    net = Tape(Shape((1, 8, 8)))
    cost = analyze_graph(net.graph("pool", net.global_avg_pool(net.input)))
    svg = drawn(cost_by_stage(cost), tmp_path / "pool")
    assert {"0", "multiply-adds"} <= texts(svg)
    assert width(svg) <= COLUMN


def test_many_stages_share_rows(tmp_path: Path) -> None:
    """No more than a page of a paper has, with a caption."""
    conv = {"block": "conv", "kernel": 1, "channels": 4, "norm": False}
    cost = analyze(load(network(*[conv] * 250)))
    chart = cost_by_stage(cost)
    names = list(dict.fromkeys(row["name"] for row in rows(chart, "panel")))
    assert len(names) == 42 <= MOST_STAGES
    assert names[:2] == ["s0 to s5", "s6 to s11"]
    assert sum(sums(rows(chart, "panel"), "multiply-adds").values()) == cost.madds
    assert float(drawn(chart, tmp_path / "stages").attrib["height"]) <= 620


def test_the_memory_timeline_is_exact() -> None:
    cost = analyze("mobilenet_v2")
    chart = memory_timeline(cost)
    *layers, last = rows(chart, "tensors")
    assert len(layers) == len(cost.graph.nodes)
    assert last == layers[-1] | {"layer": len(layers), "end": len(layers)}  # its right side
    peak = max(layers, key=lambda row: exact(row["bytes"]))
    assert (peak["name"], exact(peak["bytes"])) == ("block2.0.expand.bn", 4 * 2 * 96 * 112 * 112)
    assert peak["tensors"] == "block2.0.expand.conv 4,816,896, block2.0.expand.bn 4,816,896"
    assert {"peak at block2.0.expand.bn and 1 more: 9,633,792 B"} == {
        row["text"] for row in rows(chart, "text")
    }
    add = next(row for row in layers if row["name"] == "block2.1.project.conv")
    assert exact(add["waiting"]) == 4 * 24 * 56 * 56  # the source of the residual
    assert "peak at block2.0.expand.bn: 9,633,792 B" in {
        row["text"] for row in rows(memory_timeline(cost, inplace=True), "text")
    }


def test_areas_of_the_memory_timeline_are_what_is_kept_and_used() -> None:
    """One behind the other, up to what is alive; the last layer is as wide as the others."""
    cost = analyze("mobilenet_v2")
    every = timeline(cost.graph)
    spec = memory_timeline(cost).to_dict()
    used, kept = spec["layer"][:2]
    for area, field, what in ((used, "alive", "read or written"), (kept, "kept", "kept for")):
        assert area["encoding"]["y"]["field"] == field
        assert area["transform"][0]["calculate"].startswith(f"'{what}")
        assert area["data"] == used["data"]
    areas = spec["datasets"][used["data"]["name"]]
    assert [row["layer"] for row in areas] == [*range(len(every) + 1)]
    for step, row in zip((*every, every[-1]), areas, strict=True):
        waiting = sum(elems for name, elems in step.alive.items() if name not in step.used)
        assert (row["kept"], row["alive"]) == (4 * waiting / 2**20, 4 * step.elems / 2**20)


@pytest.mark.parametrize("before", [0, 100, 190])
def test_the_peak_is_marked_and_named_where_it_is(before: int) -> None:
    """Its name begins or ends over it, where it has more room."""
    conv = {"block": "conv", "kernel": 1, "channels": 4, "norm": False, "activation": None}
    widest = conv | {"channels": 9}
    cost = analyze(network(*[conv] * before, widest, *[conv] * (200 - before)))
    alive = live_elems(cost.graph)
    spec = memory_timeline(cost).to_dict()
    at = [place for place, elems in enumerate(alive) if elems == max(alive)]
    marks, label = spec["layer"][3:5]
    marked = spec["datasets"][marks["data"]["name"]]
    assert [(row["layer"], row["end"]) for row in marked] == [(i, i + 1) for i in at]
    (text,) = spec["datasets"][label["data"]["name"]]
    middle = (at[0] + 0.5) / len(alive) * WIDTH
    assert label["encoding"]["x"]["value"] == middle
    room = {"left": WIDTH - middle, "right": middle}
    assert room[label["mark"]["align"]] == max(room.values()) > text_width(text["text"])


def test_a_layer_lists_its_largest_tensors() -> None:
    """The largest first, and how many others there are."""
    net = Tape(Shape((1, 10, 10)))
    branches = [net.conv(net.input, i + 1, name=f"c{i}") for i in range(14)]
    cost = analyze_graph(net.graph("net", net.concat(*branches, name="all")))
    last = rows(memory_timeline(cost), "tensors")[-1]["tensors"]
    largest = [f"c{i} {400 * (i + 1):,}" for i in range(13, 2, -1)]
    assert last == ", ".join(["all 42,000", *largest, "3 more"])


@pytest.mark.parametrize("name", ["nasnet_a_mobile", "vgg_16", "densenet_121", "mobilenet_v2"])
def test_names_of_stages_stand_apart(name: str, tmp_path: Path) -> None:
    """In the middle of their stages, as far as there is room."""
    cost = analyze(name)
    chart = memory_timeline(cost)
    stages = [node.origin.stage for node in cost.graph.nodes]
    axis = chart.to_dict()["layer"][0]["encoding"]["x"]["axis"]
    names = json.loads(axis["labelExpr"].removesuffix("[datum.value]"))
    assert {f"{middle:g}" for middle in axis["values"]} == names.keys()
    assert list(names.values()) == list(dict.fromkeys(stages))
    for middle, stage in names.items():
        assert stages[int(float(middle))] == stage
        assert float(middle) == stages.index(stage) + stages.count(stage) / 2
    labels = drawn(chart, tmp_path / "memory").iter(f"{SVG}g")
    (shown, *_) = (
        list(label.iter(f"{SVG}text")) for label in labels
        if "role-axis-label" in label.get("class", "")
    )  # fmt: skip
    assert len(shown) == len(names)
    places = [
        float(re.findall(r"[-.0-9]+", text.attrib["transform"])[0])
        for text in shown
        if text.get("opacity") != "0"
    ]
    assert len(places) > 3
    assert all(b - a > 8 for a, b in pairwise(places))


def test_pareto_is_what_no_other_one_beats() -> None:
    rng = random.Random(7)
    for _ in range(300):
        at = [(rng.randrange(8), rng.randrange(8)) for _ in range(rng.randrange(1, 14))]
        front = {
            i
            for i, (cost, accuracy) in enumerate(at)
            if not any(c <= cost and a >= accuracy and (c, a) != (cost, accuracy) for c, a in at)
        }
        found = pareto(at)
        assert set(found) == front
        assert len(found) == len(front)
        assert [at[i] for i in found] == sorted(at[i] for i in found)
    assert pareto([]) == []


def test_a_tradeoff_is_exact() -> None:
    entries = [entry(name) for name in FAMILY]
    chart = tradeoff(entries, "madds", "top1")
    dots = {row["network"]: row for row in rows(chart, "network")}
    assert dots["MobileNetV2"]["cost"] == "300,774,272"
    assert dots["MobileNetV2"]["accuracy"] == "72.0 %"
    assert {row["name"] for row in rows(chart, "name")} == set(dots)
    colors = {row["name"]: row["color"] for row in rows(chart, "name")}
    assert colors.pop("MobileNetV2") != "black"  # ANTNet (g = 2) costs less and is more accurate
    assert set(colors.values()) == {"black"}
    memory = rows(tradeoff(entries, "peak_memory", "top5"), "network")
    assert {row["cost"] for row in memory if row["network"] == "MobileNetV2"} == {"9,633,792 B"}


def test_a_tradeoff_says_what_it_leaves_out() -> None:
    entries = [named("a", 70.0), named("b"), named("c", 71.5)]
    assert [point.entry.network.name for point in points(entries, "params", "top1")] == ["a", "c"]
    assert caption(entries, "params", "top1").endswith("Left out, without both figures: 1.")
    assert "of 2 networks" in caption(entries, "params", "top1")
    assert "Left out" not in caption(entries[:1], "params", "top1")
    with pytest.raises(AntcostError, match="no network has both parameters and a published top5"):
        tradeoff(entries, "params", "top5")


def test_choices_are_what_two_networks_have() -> None:
    entries = [named("a", 70.0), named("b"), named("c", 71.5)]
    costs = ["params", "madds", "peak_memory"]
    assert choices(entries) == [(cost, "top1") for cost in costs]
    assert choices(entries[:2]) == []
    timed = [replace(one, latency_ps=10**9) for one in entries]
    assert choices(timed) == [(cost, "top1") for cost in (*costs, "latency")]
    assert choices([*timed[:2], entries[2]]) == [(cost, "top1") for cost in costs]


def test_other_tasks_are_not_compared() -> None:
    imagenet, another = entry("mobilenet_v2"), entry("inception_v3")
    cifar100, cifar10 = entry("cifar100/antnet_g1"), named("CIFAR10")
    photographs = named("100 classes", classes=100, input=[3, 224, 224])
    tiny = named("Tiny", classes=100, input=[3, 64, 64])
    larger = named("Larger", classes=100, input=[3, 65, 65])
    given = [imagenet, cifar100, another, cifar10, photographs, tiny, larger]
    assert comparable(given) == [
        [imagenet, another], [cifar100, tiny], [cifar10], [photographs, larger],
    ]  # fmt: skip
    assert comparable([]) == []


def pixels(chart: Any, *fields: str) -> list[tuple[float, float]]:
    """Where these rows are in a chart with one scale a direction, from the left and the top."""
    spec = chart.to_dict()
    scales = [spec["layer"][0]["encoding"][axis]["scale"] for axis in "xy"]
    x, y = (
        Scale(*scale["domain"], length, logs=scale["type"] == "log")
        for scale, length in zip(scales, (spec["width"], spec["height"]), strict=True)
    )
    return [(x.pixel(row["x"]), y.pixels - y.pixel(row["y"])) for row in rows(chart, *fields)]


def boxes(chart: Any) -> list[Box]:
    """Where the labels of points are."""
    fields = ("name", "color")
    return [
        Box(left, middle - FONT / 2, left + text_width(row["name"]), middle + FONT / 2)
        for (left, middle), row in zip(pixels(chart, *fields), rows(chart, *fields), strict=True)
    ]


@pytest.mark.parametrize("count", [6, 40])
def test_labels_of_a_tradeoff_do_not_overlap(count: int) -> None:
    rng = random.Random(count)
    entries = [
        replace(named(f"Network {i}", rng.gauss(70, 3)), latency_ps=int(rng.lognormvariate(23, 1)))
        for i in range(count)
    ]
    chart = tradeoff(entries, "latency", "top1")
    spec, found = chart.to_dict(), boxes(chart)
    assert len(found) > count / 2
    assert not any(a.meets(b) for a, b in combinations(found, 2))
    dots = [box_around(*pixel, 2) for pixel in pixels(chart, "network")]
    assert not any(box.meets(dot) for box in found for dot in dots)
    front = spec["datasets"][spec["layer"][0]["data"]["name"]]
    line = [*steps(pixels(chart, "network")[: len(front)])]
    assert not any(box.meets(part) for box in found for part in line)
    room = Box(0, 0, spec["width"], spec["height"])
    assert all(room.holds(box) for box in found)


@pytest.mark.parametrize(
    ("figure", "most"),
    [
        (cost_by_kind, PAGE),
        (lambda entries: cost_by_stage(entries[0].cost), COLUMN),
        (lambda entries: memory_timeline(entries[0].cost), PAGE),
        (lambda entries: tradeoff(entries, "madds", "top1"), COLUMN),
        (lambda entries: tradeoff(entries * 3, "params", "top1"), PAGE),
    ],
)
def test_figures_fit_whatever_the_names(
    figure: Callable[[Sequence[ComparedNetwork]], Any], most: int, tmp_path: Path
) -> None:
    entries = [named(name, 50 + i) for i, name in enumerate(HOSTILE)]
    svg = drawn(figure(entries), tmp_path / "figure")
    assert most - 12 <= width(svg) <= most
    assert not list(svg.iter(f"{SVG}script"))
    assert not any(name in text for text in texts(svg) for name in HOSTILE if len(name) == 200)


def test_figures_of_all_networks_fit(tmp_path: Path) -> None:
    entries = [entry(name) for name in shipped_names() if "/" not in name]
    assert len(entries) > 40
    device = known_device(one.cost for one in entries)
    timed = [replace(one, prediction=device.predict(one.cost)) for one in entries]
    for group in (entries, timed):
        assert PAGE - 8 <= width(drawn(cost_by_kind(group), tmp_path / "kinds")) <= PAGE
    for x, y in choices(entries):
        chart = tradeoff(entries, x, y)
        assert PAGE - 8 <= width(drawn(chart, tmp_path / f"{x}_{y}")) <= PAGE
        assert not any(a.meets(b) for a, b in combinations(boxes(chart), 2))


def test_texts_are_cut_with_an_ellipsis() -> None:
    assert cut("short", 100) == "short"
    assert cut("W" * 200, 80) == "W" * 9 + "…"  # 9 * 7.552 + 8
    assert cut("a b" * 30, 40).endswith("…")
    assert text_width(cut("\N{ROCKET}字" * 50, 50)) <= 50
    assert cut("anything", 1) == "…"
