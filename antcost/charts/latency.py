"""Measured times in figures: every run of each network, and what times go along with."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import altair as alt

from antcost.charts.placement import Anchor, cut, text_width
from antcost.charts.plot import Plot, Scale, scale_of
from antcost.charts.style import BLUE, GRAY_TEXT, ORANGE, PAGE, RULE, STYLE, chart_of, colors_of
from antcost.errors import AntcostError
from antcost.measure.recording import Recording, Subject
from antcost.measure.statistics import (
    Latency,
    Stat,
    disturbed,
    latencies,
    rank_correlation,
    times_ns,
)
from antcost.units import format_time
from antcost.views.latency import interval, picoseconds
from antcost.views.measurement_notes import ran_as

HEIGHT = 240
LEAST_ROW, MOST_ROW = 22, 40
BINS = 110
TALL, RUG = 0.72, 0.1
"""Of a row: the height of its highest bin, and the room of the ticks under it."""

PANEL, PANEL_HEIGHT, BETWEEN = 134, 170, 14
NS_PER_MS = 10**6
QUIET, DISTURBED = "undisturbed", "something else had the CPU"
COSTS: tuple[tuple[str, Callable[[Subject], int]], ...] = (
    ("multiply-adds", lambda subject: subject.madds),
    ("traffic (bytes)", lambda subject: subject.traffic_bytes),
    ("parameters", lambda subject: subject.params),
)
LEAST_NETWORKS = 3
NAME_WIDTH, GAP, EDGE = 110, 8, 14
"""Pixels: what names at the left take, what is left of the times, and around all of it."""


# Every run


def runs_figure(
    recording: Recording, *, baseline: int | None = None, stat: Stat = "median"
) -> alt.LayerChart:
    """Draw how the times of all runs are distributed, a row a network; ticks show the rarest, too.

    As wide as a page of two columns.
    """
    base = recording.baseline if baseline is None else baseline
    rows = latencies(recording, base, stat)
    centers = [_center(place, row, row.index == base) for place, row in enumerate(rows)]
    times = [ns / NS_PER_MS for row in rows for ns in times_ns(recording.visits, row.index)]
    names = [cut(row.label, NAME_WIDTH) for row in rows]
    texts = [center["text"] for center in centers]
    beside = GAP + EDGE + max(map(text_width, names)) + max(map(text_width, texts))
    scale = scale_of(times, PAGE - beside)
    x_axis = alt.Axis(title=f"time of a run (ms): {ran_as(recording)}", format="~g", tickCount=8)
    x = alt.X("from:Q", scale=scale.altair(), axis=x_axis)
    y = alt.Y(
        "y:Q",
        title=None,
        scale=alt.Scale(domain=[len(rows) - 1 + 2 * RUG, -1], nice=False, zero=False),
        axis=alt.Axis(
            values=list(range(len(rows))), labelExpr=f"{json.dumps(names)}[datum.value]",
            domain=False, ticks=False, grid=True, gridColor=RULE, labelBaseline="bottom",
        ),
    )  # fmt: skip
    color = alt.Color(
        "what:N",
        title=None,
        scale=colors_of({QUIET: BLUE, DISTURBED: ORANGE}),
        legend=alt.Legend(orient="top"),
    )
    boxes = [box for place, row in enumerate(rows) for box in _bins(recording, place, row, scale)]
    bins = chart_of(boxes).mark_rect().encode(x=x, x2="to:Q", y=y, y2="y2:Q", color=color)
    marks = chart_of(centers)
    lines = marks.mark_rule(color="black", strokeWidth=1.2).encode(x=x, y=y, y2="y2:Q")
    words = marks.mark_text(align="left", baseline="bottom", color=GRAY_TEXT)
    beside_plot = words.encode(x=alt.value(scale.pixels + GAP), y=y, text="text:N")
    return alt.LayerChart(
        layer=[bins, lines, beside_plot],
        width=scale.pixels,
        height=len(rows) * min(max(HEIGHT // len(rows), LEAST_ROW), MOST_ROW),
        config=STYLE,
    )


def _center(place: int, row: Latency, is_base: bool) -> dict[str, Any]:
    """Return a line at what the table says of a network, and the same in words."""
    speed_up = "baseline" if is_base else interval(row.speed_up)
    return {
        "from": row.time_ns / NS_PER_MS,
        "y": place,
        "y2": place - 0.9,
        "text": f"{format_time(picoseconds(row.time_ns))}, {speed_up}",
    }


def _bins(recording: Recording, place: int, row: Latency, scale: Scale) -> Iterator[dict[str, Any]]:
    """Yield how many runs are in each bin, stacked, and a tick where there is any."""
    counts = _counts(recording, row, scale)
    highest = max(sum(pair) for pair in counts.values())
    for number, (quiet, others) in sorted(counts.items()):
        ends = {
            "from": scale.value(number * scale.pixels / BINS),
            "to": scale.value((number + 1) * scale.pixels / BINS),
        }
        middle, top = place - TALL * quiet / highest, place - TALL * (quiet + others) / highest
        if quiet:
            yield {**ends, "y": place, "y2": middle, "what": QUIET}
        if others:
            yield {**ends, "y": middle, "y2": top, "what": DISTURBED}
        what = QUIET if quiet else DISTURBED
        yield {**ends, "y": place + RUG / 2, "y2": place + 1.5 * RUG, "what": what}


def _counts(recording: Recording, row: Latency, scale: Scale) -> dict[int, list[int]]:
    """Return the runs in each bin that has any: of undisturbed visits, and of the others."""
    counts: dict[int, list[int]] = {}
    for visit in recording.visits:
        if visit.subject == row.index:
            which = disturbed(visit, recording.settings.threads)
            for ns in visit.wall_ns:
                number = int(scale.pixel(ns / NS_PER_MS) / scale.pixels * BINS)
                counts.setdefault(number, [0, 0])[which] += 1
    return counts


# What goes along with time


def scatter_figure(
    recording: Recording, *, baseline: int | None = None, stat: Stat = "median"
) -> alt.HConcatChart:
    """Draw time against multiply-adds, traffic and parameters, with their rank correlations.

    As wide as a page of two columns. Raises AntcostError for fewer than three networks.
    """
    rows = latencies(recording, baseline, stat)
    require_enough(len(rows))
    panels = [
        _panel(rows, title, [cost(row.subject) for row in rows], first=number == 0)
        for number, (title, cost) in enumerate(COSTS)
    ]
    return alt.HConcatChart(hconcat=panels, spacing=BETWEEN, title=ran_as(recording), config=STYLE)


def require_enough(networks: int) -> None:
    """Raise AntcostError if there are too few networks to say what time goes along with."""
    if networks < LEAST_NETWORKS:
        raise AntcostError(f"--scatter needs {LEAST_NETWORKS} networks, not {networks}")


def _panel(
    rows: Sequence[Latency], title: str, costs: Sequence[int], *, first: bool
) -> alt.LayerChart:
    times = [row.time_ns / NS_PER_MS for row in rows]
    plot = Plot(
        scale_of(costs, PANEL),
        scale_of(times, PANEL_HEIGHT),
        alt.Axis(title=title, format="~s", tickCount=4),
        alt.Axis(title="time (ms)" if first else None, format="~g", tickCount=6, labels=first),
    )
    points = [{"x": cost, "y": time} for cost, time in zip(costs, times, strict=True)]
    names = [Anchor(*plot.pixel(point), row.label) for point, row in zip(points, rows, strict=True)]
    dots = plot.rows(points).mark_circle(size=28, color=BLUE, opacity=1)
    correlation = rank_correlation(costs, times)
    said = "" if correlation is None else f"rank correlation {correlation:.2f}"
    return plot.chart([dots, *plot.labels(names)], title=said)
