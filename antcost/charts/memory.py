"""The activations that are alive while a network runs, layer by layer, as a figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from antcost.charts.placement import FONT, cut, text_width
from antcost.charts.style import BLUE, GRAY_TEXT, ORANGE, PAGE, RULE, style, values
from antcost.cost.analysis import NetCost
from antcost.cost.memory import TimelineStep, peaks, timeline
from antcost.units import format_exact
from antcost.views.memory import BYTES_PER_ELEM

if TYPE_CHECKING:
    import altair as alt

LEFT, RIGHT = 42, 6
"""Pixels beside the plot: for the axis, and for a label that ends there."""
WIDTH, HEIGHT = PAGE - LEFT - RIGHT, 130
NAME_WIDTH, NAME_GAP = 60, 4
LINES_APART = 3
SKY = "#9ecae8"
UNITS = (("MiB", 2**20), ("KiB", 2**10), ("B", 1))
USED, KEPT = "read or written by the layer", "kept for later layers"
MOST_TENSORS = 12
"""That a tooltip lists."""


def memory_timeline(cost: NetCost, *, inplace: bool = False) -> alt.LayerChart:
    """Bytes alive while each layer runs (fp32, one image), as wide as a page of two columns.

    What the layer itself reads and writes is lighter than what is kept for later layers. The layers
    at the peak are marked, and the stages named where there is room.
    """
    import altair as alt

    steps = timeline(cost.graph, inplace=inplace)
    top = peaks(steps)
    most = top[0].elems * BYTES_PER_ELEM
    unit, one = next((name, one) for name, one in UNITS if most >= one)
    scale = alt.Scale(domain=[0, len(steps)], nice=False)
    names, room = _stages(steps, scale)
    x = alt.X(
        "layer:Q",
        scale=scale,
        title=f"layers in their order: {len(steps)}{', in place' if inplace else ''}",
        axis=alt.Axis(labels=False, ticks=False, titlePadding=room),
    )
    y = alt.Y(
        "high:Q",
        title=f"alive activations ({unit})",
        scale=alt.Scale(domain=[0, most / one], nice=False),
        axis=alt.Axis(format=",~f", tickCount=5, minExtent=LEFT - 14, maxExtent=LEFT - 14),
    )
    layers = [
        _areas(steps, one, x, y), *names, *_peak(steps, top, one, x, y), _hover(steps, one, x, y),
    ]  # fmt: skip
    chart: alt.LayerChart = (
        alt.LayerChart(layer=layers)
        .properties(width=WIDTH, height=HEIGHT, padding=2)
        .configure(**style())
    )
    return chart


def _kept(step: TimelineStep) -> int:
    """Elements that wait for a later layer."""
    return sum(elems for name, elems in step.alive.items() if name not in step.used)


def _areas(steps: Sequence[TimelineStep], one: int, x: alt.X, y: alt.Y) -> alt.Chart:
    """What is in use, on top of what is kept."""
    import altair as alt

    rows: list[dict[str, Any]] = []
    for place, step in enumerate((*steps, steps[-1])):
        low, high = (elems * BYTES_PER_ELEM / one for elems in (_kept(step), step.elems))
        rows += [
            {"layer": place, "low": 0, "high": low, "what": KEPT},
            {"layer": place, "low": low, "high": high, "what": USED},
        ]
    color = alt.Color(
        "what:N",
        scale=alt.Scale(domain=[USED, KEPT], range=[SKY, BLUE]),
        legend=alt.Legend(
            title=None,
            orient="bottom",
            offset=2,
            labelFontSize=FONT,
            labelLimit=200,
            symbolType="square",
            symbolSize=50,
        ),
    )
    area = alt.Chart(values(rows)).mark_area(interpolate="step-after", opacity=1)
    chart: alt.Chart = area.encode(x=x, y=y, y2="low:Q", color=color)
    return chart


def _peak(
    steps: Sequence[TimelineStep], top: Sequence[TimelineStep], one: int, x: alt.X, y: alt.Y
) -> list[alt.Chart]:
    """A line over every layer at the peak, and which it is in words over the first."""
    import altair as alt

    most = top[0].elems * BYTES_PER_ELEM
    at = [place for place, step in enumerate(steps) if step.elems == top[0].elems]
    marks = [{"layer": place, "end": place + 1, "high": most / one} for place in at]
    others = f" and {len(top) - 1} more" if len(top) > 1 else ""
    size = f": {format_exact(most)} B"
    name = cut(top[0].node.name, WIDTH - text_width(f"peak at {others}{size}"))
    text = f"peak at {name}{others}{size}"
    half = text_width(text) / 2
    middle = (at[0] + 0.5) / len(steps) * WIDTH
    label = {"text": text}
    line = alt.Chart(values(marks)).mark_rule(color=ORANGE, strokeWidth=3, strokeCap="square")
    written = alt.Chart(values([label])).mark_text(
        color=ORANGE, fontSize=FONT, baseline="bottom", align="center"
    )
    return [
        line.encode(x=x, x2="end:Q", y=y),
        written.encode(
            x=alt.value(min(max(middle, half), WIDTH - half)), y=alt.value(-5), text="text:N"
        ),
    ]


def _stages(steps: Sequence[TimelineStep], scale: alt.Scale) -> tuple[list[alt.Chart], float]:
    """A line where each stage begins, the names of those that have room for theirs, and how high
    the names are.
    """
    import altair as alt

    spans = list(_spans(steps))
    per_layer = WIDTH / len(steps)
    starts = _apart([{"layer": start} for _, start, _ in spans if start], LINES_APART / per_layer)
    flat = all(
        text_width(name) + NAME_GAP <= (end - start) * per_layer for name, start, end in spans
    )
    named: list[dict[str, Any]] = [
        {"layer": (start + end) / 2, "name": cut(name, NAME_WIDTH)} for name, start, end in spans
    ]
    if not flat:
        named = _apart(named, (FONT + 1) / per_layer)
    lines = alt.Chart(values(starts)).mark_rule(color=RULE, strokeWidth=0.5)
    texts = alt.Chart(values(named)).mark_text(
        color=GRAY_TEXT,
        fontSize=FONT,
        baseline="top" if flat else "middle",
        align="center" if flat else "right",
        angle=0 if flat else 270,
    )
    x = alt.X("layer:Q", scale=scale)
    drawn = [
        lines.encode(x=x, y=alt.value(0), y2=alt.value(HEIGHT)),
        texts.encode(x=x, y=alt.value(HEIGHT + NAME_GAP), text="name:N"),
    ]
    high = FONT if flat else max(text_width(row["name"]) for row in named)
    return drawn, high + 2 * NAME_GAP


def _spans(steps: Sequence[TimelineStep]) -> Iterator[tuple[str, int, int]]:
    """The stages: name, first layer, and the layer after the last."""
    start = 0
    for name, run in groupby(steps, key=lambda step: step.node.origin.stage):
        end = start + sum(1 for _ in run)
        yield name, start, end
        start = end


def _apart(rows: Sequence[dict[str, Any]], layers: float) -> list[dict[str, Any]]:
    """Those that are at least as many layers behind the one before."""
    kept: list[dict[str, Any]] = []
    for row in rows:
        if not kept or row["layer"] - kept[-1]["layer"] >= layers:
            kept.append(row)
    return kept


def _hover(steps: Sequence[TimelineStep], one: int, x: alt.X, y: alt.Y) -> alt.Chart:
    """What the page tells of each layer; it is not seen."""
    import altair as alt

    rows = [
        {
            "layer": place,
            "end": place + 1,
            "high": step.elems * BYTES_PER_ELEM / one,
            "name": step.node.name,
            "bytes": format_exact(step.elems * BYTES_PER_ELEM),
            "kept": format_exact(_kept(step) * BYTES_PER_ELEM),
            "tensors": _tensors(step),
        }
        for place, step in enumerate(steps)
    ]
    tooltip = [
        alt.Tooltip("name:N", title="layer"),
        alt.Tooltip("bytes:N", title="alive (B)"),
        alt.Tooltip("kept:N", title="kept for later (B)"),
        alt.Tooltip("tensors:N", title="tensors"),
    ]
    chart: alt.Chart = (
        alt.Chart(values(rows))
        .mark_rect(fill="transparent", aria=False)
        .encode(x=x, x2="end:Q", y=y, y2=alt.value(HEIGHT), tooltip=tooltip)
    )
    return chart


def _tensors(step: TimelineStep) -> str:
    """The largest tensors that are alive, with their bytes."""
    every = sorted(step.alive.items(), key=lambda pair: -pair[1])
    listed = [f"{name} {format_exact(elems * BYTES_PER_ELEM)}" for name, elems in every]
    rest = [f"{len(every) - MOST_TENSORS} more"] if len(every) > MOST_TENSORS else []
    return ", ".join([*listed[:MOST_TENSORS], *rest])
