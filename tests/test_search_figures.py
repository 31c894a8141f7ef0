"""The figures of `antcost search`: what they hold, and where their labels go."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from math import inf
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("altair", reason="needs the report extra")
pytest.importorskip("scipy", reason="needs the search extra")

from antcost import analyze
from antcost.charts.axes import measure_axis
from antcost.charts.files import draw
from antcost.charts.fronts import BLACK, front_figure
from antcost.charts.placement import Anchor, Box, box_around, place
from antcost.charts.search import changes, objective_axis, search_figure
from antcost.charts.style import ORANGE
from antcost.cost.measures import Measure
from antcost.errors import AntcostError
from antcost.search.front import Front, FrontPoint, ReferenceNetwork
from antcost.search.progress import Moment
from antcost.search.result import Candidate, SearchResult
from antcost.search.run import network_of, run_search
from antcost.search.space import SearchOptions, Space, load_space
from antcost.units import format_count

BASE = """
name: Small (base)
input: [3, 32, 32]
classes: 10
stages:
  - {name: conv0, block: conv, kernel: 3, channels: 16, stride: 2}
  - {name: ant1, block: ant, expansion: 6, reduction: 8, channels: 16, repeat: 2}
  - {name: ant2, block: ant, expansion: 6, reduction: 16, channels: 32, stride: 2}
  - {name: pool, block: avgpool}
  - {name: fc, block: linear, channels: classes}
"""
SPACE = """
base: net.yaml
choices:
  ant1.repeat: {each: [3]}
  "ant[1-2].kernel": {each: [5]}
  "ant[1-2].reduction": {each: [null]}
  "ant[1-2].expansion": {each: [4, 6]}
  ant2.channels: {scale: [1, 1.5]}
  ant2.groups: {each: [1, 2]}
  width: {each: [0.5, 1.0]}
budget: {madds: <= 3M}
objective: entropy
"""
M = 10**6
MakeSpace = Callable[..., Space]


@pytest.fixture
def make_space(tmp_path: Path) -> MakeSpace:
    """A space of a hundred networks."""
    (tmp_path / "net.yaml").write_text(BASE, encoding="utf-8")
    (tmp_path / "space.yaml").write_text(SPACE, encoding="utf-8")
    return lambda **request: load_space(str(tmp_path / "space.yaml"), SearchOptions(**request))


def rows(chart: Any, *fields: str) -> list[tuple[Any, ...]]:
    """Those fields of every row of data that has them all and no others."""
    found = [row for data in chart.to_dict()["datasets"].values() for row in data]
    return [tuple(row[field] for field in fields) for row in found if row.keys() == set(fields)]


def titles(chart: Any) -> list[str]:
    """What stands above the panels, in their order."""

    def walk(node: dict[str, Any]) -> Iterator[str]:
        if "title" in node:
            title = node["title"]
            yield title["text"] if isinstance(title, dict) else title
        for child in (*node.get("vconcat", ()), *node.get("hconcat", ())):
            yield from walk(child)

    return list(walk(chart.to_dict()))


def drawn(report: SearchResult) -> Any:
    space = report.space
    return search_figure(report, analyze(space.base), analyze(network_of(space, report.chosen)))


def domains(chart: Any, channel: str) -> list[list[float]]:
    """What axes show, as far as it is set, in the order of the layers."""
    found: list[list[float]] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            scale = node.get("encoding", {}).get(channel, {}).get("scale") or {}
            found.extend([scale["domain"]] if "domain" in scale else [])
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk({key: value for key, value in chart.to_dict().items() if key != "datasets"})
    return found


def test_a_search_shows_its_bounds_and_its_network_beside_the_base(make_space: MakeSpace) -> None:
    report = run_search(make_space())
    assert report.best is not None
    history = (
        Moment(1.0, -inf, inf),
        Moment(2.0, -inf, 900.0),
        Moment(4.0, 500.0, 800.0),
        Moment(8.0, report.lower, report.upper),
    )
    report = replace(report, history=history, seconds=9.0)
    assert report.best is not None
    chart = drawn(report)
    last = (9.0, report.lower, report.upper)
    steps = [(2.0, None, 900.0), (4.0, 500.0, 800.0), (8.0, *last[1:]), last]
    # both lines, and what is between them from where there is a best one
    assert sorted(rows(chart, "seconds", "best", "bound"), key=str) == sorted(
        [*steps, *steps[1:]], key=str
    )
    lines = {layer["encoding"]["y"]["field"] for layer in chart.to_dict()["vconcat"][0]["layer"]}
    assert lines == {"best", "bound"}
    base, best = analyze(report.space.base), analyze(network_of(report.space, report.best))
    bars = [
        (row.name, network, row.madds, row.params)
        for network, cost in (("base", base), ("best", best))
        for row in cost.by("stage")
    ]
    assert sorted(rows(chart, "stage", "network", "madds", "params")) == sorted(bars)
    assert titles(chart) == [
        f"best found {report.lower:,.7g}, proven",
        *(
            f"base {format_count(before)}, best {format_count(after)}"
            for before, after in ((base.madds, best.madds), (base.params, best.params))
        ),
        "width 1→0.5",
    ]


def test_what_changed_is_told_by_stage(make_space: MakeSpace) -> None:
    space = make_space()
    assert [variable.path for variable in space.outer] == ["width"]
    values = {
        "ant1.repeat": 3, "ant1.kernel": 5, "ant2.kernel": 5, "ant1.reduction": None,
        "ant2.reduction": 16, "ant1.expansion": 6, "ant2.expansion": 4, "ant2.channels": 48,
        "ant2.groups": 2, "width": 0.5,
    }  # fmt: skip
    report = SearchResult(space, best=Candidate(values, {}, 1.0), upper=1.0)
    assert changes(report) == {
        "ant1": ["n 2→3", "k 3→5", "r 8→none"],
        "ant2": ["k 3→5", "t 6→4", "c 32→48", "g 1→2"],
    }
    base = analyze(space.base)
    chart = search_figure(report, base, base)
    assert set(rows(chart, "stage", "change")) == {
        ("ant1", "n 2→3, k 3→5, r 8→none"),
        ("ant2", "k 3→5, t 6→4, c 32→48, g 1→2"),
    }
    assert titles(chart)[-1] == "width 1→0.5"


def test_a_cost_that_is_minimised_is_shown_as_it_is(make_space: MakeSpace) -> None:
    report = run_search(make_space(objective="min madds"))
    assert report.best is not None
    madds = report.best.counts["madds"]
    assert report.best.worth == -madds
    chart = drawn(report)
    assert rows(chart, "seconds", "best", "bound")[-1][1:] == (madds, madds)
    assert titles(chart)[0] == f"best found {madds:,}, proven"
    low, high = domains(chart, "y")[0]
    assert 0 < low < madds < high


@pytest.mark.parametrize(
    ("weights", "title", "worth", "shown", "text"),
    [
        ("entropy", "entropy", 1234.5678, 1234.5678, "1,234.568"),
        ("min params", "params", -1_500_000, 1_500_000, "1,500,000"),
        ("{minimize: {size: 2}}", "size (MiB)", -2 * 3 * 2**20, 3, "3.00 MiB"),
        ("min peak_memory", "peak memory (MiB)", -3 * 2**19, 1.5, "1.50 MiB"),
        ("max madds", "MAdds", 5 * M, 5 * M, "5,000,000"),
        ("{maximize: {entropy: 1, madds: -2.0e-6}}", "1*entropy -2e-06*madds", 7.5, 7.5, "7.5"),
    ],
)  # fmt: skip
def test_axes_of_objectives(
    make_space: MakeSpace, weights: str, title: str, worth: float, shown: float, text: str
) -> None:
    axis = objective_axis(make_space(objective=weights))
    assert axis.title == title
    assert axis.of(worth) == shown
    assert axis.text(worth) == text


def test_times_are_in_milliseconds() -> None:
    axis = measure_axis(Measure("latency", "latency", "time", lambda _: 0))
    assert (axis.title, axis.of(8_400_000_000), axis.text(8_400_000_000)) == (
        "latency (ms)", 8.4, "8.40 ms",
    )  # fmt: skip


def test_a_search_that_was_ended_has_a_gap(make_space: MakeSpace) -> None:
    report = replace(run_search(make_space()), interrupted=True)
    report = replace(report, upper=1.25 * report.lower)
    value, bound = f"{report.lower:,.7g}", f"{report.upper:,.7g}"
    assert titles(drawn(report))[0] == f"best found {value}, bound {bound}, gap 25 %"
    report = replace(report, upper=inf, history=())
    chart = drawn(report)
    assert titles(chart)[0] == f"best found {value}"
    assert [row[1:] for row in rows(chart, "seconds", "best", "bound")] == [(report.lower, None)]


def test_a_search_is_drawn(make_space: MakeSpace, tmp_path: Path) -> None:
    draw(drawn(run_search(make_space())), tmp_path / "search.svg")
    text = (tmp_path / "search.svg").read_text(encoding="utf-8")
    for expected in (
        "best found",
        "bound",
        "proven",
        "entropy",
        "time (s)",
        "MAdds",
        "ant2",
        "k 3→5",
    ):
        assert expected in text


def candidate(madds: int, worth: float, params: int = M) -> Candidate:
    return Candidate({}, {"madds": madds, "params": params, "size": 4 * params}, worth)


def front_of(
    space: Space, points: Sequence[FrontPoint], *axes: str, marks: Sequence[ReferenceNetwork] = ()
) -> Front:
    measures = tuple(space.measures[axis] for axis in axes)
    return Front(space, measures, tuple(points), tuple(marks))


def point(limits: tuple[int, ...], best: Candidate | None, proven: bool = True) -> FrontPoint:
    return FrontPoint(limits, best, best.worth if best else -inf, proven)


def test_a_front_is_what_no_cheaper_network_beats(make_space: MakeSpace) -> None:
    marks = [
        ReferenceNetwork("Small (base)", candidate(250 * M, 15.0)),
        ReferenceNetwork("Another", candidate(200 * M, 12.0)),
        ReferenceNetwork("Huge", candidate(9_000 * M, 20.0)),
        ReferenceNetwork("Far too good", candidate(200 * M, 1_000.0)),
    ]
    points = [
        point((50 * M,), None),
        point((100 * M,), candidate(99 * M, 10.0)),
        point((200 * M,), candidate(198 * M, 20.0), proven=False),
        point((250 * M,), candidate(210 * M, 19.0)),
        point((300 * M,), candidate(198 * M, 20.0)),
    ]
    chart = front_figure(front_of(make_space(), points, "madds", marks=marks))
    at = [row[:2] for row in rows(chart, "x", "y", "worth", "fill", "stroke")]
    assert at[:3] == [(99 * M, 10.0), (198 * M, 20.0), (300 * M, 20.0)]  # as far as the budgets
    assert {row[:2] for row in rows(chart, "x", "y", "worth", "name", "color")} == {
        (250 * M, 15.0), (200 * M, 12.0),
    }  # fmt: skip
    labels = {row[2] for row in rows(chart, "x", "y", "name", "color")}
    assert labels == {"best networks", "Small (base), base", "Another"}
    assert titles(chart) == ["open circles: not proven to be best"]


def test_a_front_of_a_cost_that_is_minimised(make_space: MakeSpace) -> None:
    points = [
        point((100 * M,), candidate(99 * M, -8.0 * 2**20)),
        point((200 * M,), candidate(198 * M, -4.0 * 2**20)),
    ]
    chart = front_figure(front_of(make_space(objective="min size"), points, "madds"))
    at = [row[:2] for row in rows(chart, "x", "y", "worth", "fill", "stroke")]
    assert at[:2] == [(99 * M, 8.0), (198 * M, 4.0)]
    assert titles(chart) == [""]
    assert "size (MiB)" in str(chart.to_dict())


def test_a_front_over_two_budgets(make_space: MakeSpace, tmp_path: Path) -> None:
    points = [
        point((100 * M, 2 * M), None),
        point((100 * M, 3 * M), candidate(90 * M, 10.0, 3 * M)),
        point((200 * M, 2 * M), candidate(190 * M, 11.0, 2 * M)),
        point((200 * M, 3 * M), candidate(195 * M, 12.0, 3 * M), proven=False),
        point((300 * M, 3 * M), candidate(195 * M, 12.0, 3 * M)),
    ]
    marks = [
        ReferenceNetwork("Small (base)", candidate(250 * M, 9.0, 4 * M)),
        ReferenceNetwork("Inside", candidate(150 * M, 9.5, 3 * M)),
        ReferenceNetwork("Outside", candidate(500 * M, 9.5, 3 * M)),
    ]
    front = front_of(make_space(), points, "madds", "params", marks=marks)
    chart = front_figure(front)
    assert rows(chart, "x", "x2", "y", "y2", "worth") == [  # what is worth more is drawn later
        (90 * M, 300 * M, 3 * M, 3 * M, 10.0),
        (190 * M, 300 * M, 2 * M, 3 * M, 11.0),
        (195 * M, 300 * M, 3 * M, 3 * M, 12.0),
    ]
    assert set(rows(chart, "x", "y", "worth", "name", "color")) == {
        (250 * M, 4 * M, 9.0, "Small (base), base", ORANGE),
        (150 * M, 3 * M, 9.5, "Inside", BLACK),
    }
    draw(chart, tmp_path / "front.svg")
    text = (tmp_path / "front.svg").read_text(encoding="utf-8")
    for expected in ("entropy", "MAdds, at most", "params, at most", "base), base", "1 of 5: not"):
        assert expected in text


def test_a_front_without_networks_is_not_drawn(make_space: MakeSpace) -> None:
    front = front_of(make_space(), [point((100 * M,), None)], "madds")
    with pytest.raises(AntcostError, match="no network is within any of these budgets"):
        front_figure(front)


def test_a_front_of_one_network_is_drawn(make_space: MakeSpace, tmp_path: Path) -> None:
    one = candidate(90 * M, 10.0)
    for axes, limits in ((("madds",), (100 * M,)), (("madds", "params"), (90 * M, M))):
        front = front_of(make_space(), [point(limits, one)], *axes)
        draw(front_figure(front), tmp_path / "one.svg")
        assert "MAdds" in (tmp_path / "one.svg").read_text(encoding="utf-8")


def test_labels_cover_nothing() -> None:
    for seed in range(5):
        rng = random.Random(seed)
        at = [(rng.gauss(170, 50), rng.gauss(120, 30)) for _ in range(30)]
        anchors = [
            Anchor(x, y, "x" * rng.randint(6, 22), "black", i == 0) for i, (x, y) in enumerate(at)
        ]
        crosses = [box_around(x, y, 3.5) for x, y in at]
        room = Box(0, 0, 340, 250)
        spots = place(anchors, crosses, room)
        boxes = [spot.box for spot in spots if spot]
        assert spots[0] is not None
        assert len(boxes) >= 15
        assert all(room.holds(box) for box in boxes)
        assert not any(a.meets(b) for a, b in combinations(boxes, 2))
        assert not any(box.meets(cross) for box in boxes[1:] for cross in crosses)
