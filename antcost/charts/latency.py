"""What the clock said, in figures: every run of each network, and what times go along with."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from antcost.charts.placement import FONT, Anchor, box_around, cut, text_width
from antcost.charts.scales import Scale, labels, scale_of
from antcost.charts.style import BLUE, GRAY_TEXT, ORANGE, PAGE, RULE, small, style, values
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

if TYPE_CHECKING:
    import altair as alt

HEIGHT = 240
LEAST_ROW, MOST_ROW = 22, 40
BINS = 110
TALL, RUG = 0.72, 0.1
"""Of a row: the height of its highest bin, and the room of the ticks under it."""

PANEL, PANEL_HEIGHT, BETWEEN = 134, 170, 14
DOT = 3.0
NS_PER_MS = 10**6
QUIET, DISTURBED = "undisturbed", "something else had the CPU"
COSTS: tuple[tuple[str, Callable[[Subject], int]], ...] = (
    ("multiply-adds", lambda subject: subject.madds),
    ("traffic (bytes)", lambda subject: subject.traffic_bytes),
    ("parameters", lambda subject: subject.params),
)
LEAST_NETWORKS = 3
NAME_WIDTH, TIME, GAP, EDGE = 110, 40, 8, 14
"""Pixels: what names at the left and times at the right take, what is between times and speed-ups,
and what is left free around all of it.
"""


# Every run


def runs_figure(
    recording: Recording, *, baseline: int | None = None, stat: Stat = "median"
) -> alt.LayerChart:
    """How the times of all runs are distributed, a row a network; ticks show the rarest, too.

    As wide as a page of two columns.
    """
    import altair as alt

    base = recording.baseline if baseline is None else baseline
    rows = latencies(recording, base, stat)
    times = [ns for row in rows for ns in times_ns(recording.visits, row.index)]
    names = [cut(row.label, NAME_WIDTH) for row in rows]
    ratios = ["baseline" if row.index == base else str(interval(row.speed_up)) for row in rows]
    beside = TIME + GAP + EDGE + max(map(text_width, names)) + max(map(text_width, ratios))
    scale = scale_of([ns / NS_PER_MS for ns in times], PAGE - beside)
    bars, ticks = _bins(recording, rows, scale)
    x = alt.X(
        "from:Q",
        title=f"time of a run (ms): {ran_as(recording)}",
        scale=scale.altair(),
        axis=alt.Axis(format="~g", tickCount=8, labelOverlap="greedy", labelSeparation=6),
    )
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
        scale=alt.Scale(domain=[QUIET, DISTURBED], range=[BLUE, ORANGE]),
        legend=alt.Legend(title=None, orient="top", labelFontSize=FONT, labelLimit=300),
    )
    boxes = alt.Chart(values([*bars, *ticks])).mark_rect()
    runs = boxes.encode(x=x, x2="to:Q", y=y, y2="y2:Q", color=color)
    chart: alt.LayerChart = alt.LayerChart(
        layer=[runs, *_centers(rows, ratios, x, y, scale)]
    ).properties(width=scale.pixels, height=_row_height(len(rows)) * len(rows))
    configured: alt.LayerChart = chart.configure(**style())
    return configured


def _row_height(rows: int) -> int:
    return min(max(HEIGHT // rows, LEAST_ROW), MOST_ROW)


def _bins(
    recording: Recording, rows: Sequence[Latency], scale: Scale
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Of every network, how many runs are in each bin, stacked, and a tick where there is any."""
    bars, ticks = [], []
    for place_, row in enumerate(rows):
        counts = _counts(recording, row, scale)
        highest = max(sum(pair) for pair in counts.values())
        for number, pair in sorted(counts.items()):
            ends = {"from": scale.value(number * scale.pixels / BINS)}
            ends["to"] = scale.value((number + 1) * scale.pixels / BINS)
            height = 0.0
            for what, runs in zip((QUIET, DISTURBED), pair, strict=True):
                if runs:
                    y, height = height, height + TALL * runs / highest
                    bars.append({**ends, "y": place_ - y, "y2": place_ - height, "what": what})
            what = QUIET if pair[0] else DISTURBED
            ticks.append({**ends, "y": place_ + RUG / 2, "y2": place_ + 1.5 * RUG, "what": what})
    return bars, ticks


def _counts(recording: Recording, row: Latency, scale: Scale) -> dict[int, list[int]]:
    """Runs in each bin that has any: of undisturbed visits, and of the others."""
    counts: dict[int, list[int]] = {}
    for visit in recording.visits:
        if visit.subject == row.index:
            which = disturbed(visit, recording.settings.threads)
            for ns in visit.wall_ns:
                number = int(scale.pixel(ns / NS_PER_MS) / scale.pixels * BINS)
                counts.setdefault(number, [0, 0])[which] += 1
    return counts


def _centers(
    rows: Sequence[Latency], ratios: Sequence[str], x: alt.X, y: alt.Y, scale: Scale
) -> list[alt.Chart]:
    """A line at what the table says of each network, and the same in words at the right."""
    import altair as alt

    data = values([
        {
            "from": row.time_ns / NS_PER_MS,
            "y": place_,
            "y2": place_ - 0.9,
            "time": format_time(picoseconds(row.time_ns)),
            "speed_up": ratio,
        }
        for place_, (row, ratio) in enumerate(zip(rows, ratios, strict=True))
    ])  # fmt: skip
    line = alt.Chart(data).mark_rule(color="black", strokeWidth=1.2).encode(x=x, y=y, y2="y2:Q")
    words = alt.Chart(data).encode(y=y)
    look: dict[str, Any] = {"baseline": "bottom", "fontSize": FONT, "color": GRAY_TEXT}
    return [
        line,
        words.mark_text(align="right", **look).encode(
            x=alt.value(scale.pixels + TIME), text="time:N"
        ),
        words.mark_text(align="left", **look).encode(
            x=alt.value(scale.pixels + TIME + GAP), text="speed_up:N"
        ),
    ]


# What goes along with time


def scatter_figure(
    recording: Recording, *, baseline: int | None = None, stat: Stat = "median"
) -> alt.HConcatChart:
    """Time against multiply-adds, traffic and parameters, with their rank correlations.

    As wide as a page of two columns. Raises AntcostError for fewer than three networks.
    """
    import altair as alt

    rows = latencies(recording, baseline, stat)
    require_enough(len(rows))
    panels = [
        _panel(rows, title, [cost(row.subject) for row in rows], first=number == 0)
        for number, (title, cost) in enumerate(COSTS)
    ]
    chart: alt.HConcatChart = alt.hconcat(
        *panels, spacing=BETWEEN, title=small(ran_as(recording))
    ).configure(**style())
    return chart


def require_enough(networks: int) -> None:
    """Raise AntcostError if there are too few networks to say what time goes along with."""
    if networks < LEAST_NETWORKS:
        raise AntcostError(f"--scatter needs {LEAST_NETWORKS} networks, not {networks}")


def _panel(
    rows: Sequence[Latency], title: str, costs: Sequence[int], *, first: bool
) -> alt.LayerChart:
    import altair as alt

    times = [row.time_ns / NS_PER_MS for row in rows]
    across, up = scale_of(costs, PANEL), scale_of(times, PANEL_HEIGHT)
    x = alt.X(
        "x:Q",
        title=title,
        scale=across.altair(),
        axis=alt.Axis(format="~s", tickCount=4, labelOverlap="greedy", labelSeparation=6),
    )
    y = alt.Y(
        "y:Q",
        title="time (ms)" if first else None,
        scale=up.altair(),
        axis=alt.Axis(format="~g", tickCount=6, labels=first, labelOverlap="greedy"),
    )
    points = [{"x": cost, "y": time} for cost, time in zip(costs, times, strict=True)]
    dots = alt.Chart(values(points)).mark_circle(size=28, color=BLUE, opacity=1).encode(x=x, y=y)
    correlation = rank_correlation(costs, times)
    said = "" if correlation is None else f"rank correlation {correlation:.2f}"
    chart: alt.LayerChart = alt.LayerChart(
        layer=[dots, *_names(rows, points, across, up, x, y)],
        title=small(said),
    ).properties(width=PANEL, height=PANEL_HEIGHT)
    return chart


def _names(
    rows: Sequence[Latency],
    points: Sequence[dict[str, float]],
    across: Scale,
    up: Scale,
    x: alt.X,
    y: alt.Y,
) -> list[alt.Chart]:
    """The networks' names where there is room for them."""
    at = [(across.pixel(one["x"]), PANEL_HEIGHT - up.pixel(one["y"])) for one in points]
    anchors = [Anchor(*pixel, row.label, "black") for pixel, row in zip(at, rows, strict=True)]
    return labels(anchors, [box_around(*pixel, DOT) for pixel in at], across, up, x, y)
