"""The activations that are alive while a network runs, layer by layer, as a figure."""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import altair as alt

from antcost.charts.placement import cut, text_width
from antcost.charts.style import BLUE, GRAY_TEXT, ORANGE, PAGE, RULE, STYLE, chart_of, colors_of
from antcost.cost.analysis import NetCost
from antcost.cost.memory import TimelineStep, peaks, timeline
from antcost.units import format_exact
from antcost.views.memory import BYTES_PER_ELEM

LEFT, RIGHT = 42, 6
"""Pixels beside the plot: for the axis, and for a label that ends there."""
WIDTH, HEIGHT = PAGE - LEFT - RIGHT, 130
NAME_WIDTH, NAME_GAP = 60, 4
UNITS = (("MiB", 2**20), ("KiB", 2**10), ("B", 1))
USED, KEPT = "read or written by the layer", "kept for later layers"
COLORS = {USED: "#9ecae8", KEPT: BLUE}
TOOLTIP = {
    "name": "layer", "bytes": "alive (B)", "waiting": "kept for later (B)", "tensors": "tensors",
}  # fmt: skip
MOST_TENSORS = 12
"""That a tooltip lists."""


def memory_timeline(cost: NetCost, *, inplace: bool = False) -> alt.LayerChart:
    """Draw the bytes alive while each layer runs (fp32, one image), as wide as a page.

    What the layer itself reads and writes is lighter than what is kept for later layers. The layers
    at the peak are marked, and the stages named where there is room.
    """
    steps = timeline(cost.graph, inplace=inplace)
    most = peaks(steps)[0].elems * BYTES_PER_ELEM
    unit, one = next((name, one) for name, one in UNITS if most >= one)
    rows = [_row(place, step, one) for place, step in enumerate(steps)]
    end = {"layer": len(steps), "end": len(steps)}
    layers = chart_of([*rows, rows[-1] | end])
    spans = list(_spans(steps))
    x = alt.X(
        "layer:Q",
        title=f"layers in their order: {len(steps)}{', in place' if inplace else ''}",
        scale=alt.Scale(domain=[0, len(steps)], nice=False),
        axis=_stage_axis(spans, WIDTH / len(steps)),
    )

    def y(field: str) -> alt.Y:
        return alt.Y(
            f"{field}:Q",
            title=f"alive activations ({unit})",
            stack=None,
            scale=alt.Scale(domain=[0, most / one], nice=False),
            axis=alt.Axis(format=",~f", tickCount=5, minExtent=LEFT - 14, maxExtent=LEFT - 14),
        )

    def area(field: str, what: str) -> Any:
        marks = layers.mark_area(interpolate="step-after", opacity=1)
        return marks.transform_calculate(what=repr(what)).encode(x=x, y=y(field), color=color)

    color = alt.Color(
        "what:N",
        title=None,
        scale=colors_of(COLORS),
        legend=alt.Legend(orient="bottom", offset=2, symbolType="square"),
    )
    starts = chart_of({"layer": start} for _, start, _ in spans if start)
    at_peak = chart_of(
        {field: row[field] for field in ("layer", "end", "alive")}
        for row in rows
        if row["alive"] == most / one
    )
    peak = at_peak.mark_rule(color=ORANGE, strokeWidth=3, strokeCap="square")
    hover = layers.mark_rect(fill="transparent", aria=False)
    tooltip = [alt.Tooltip(f"{field}:N", title=title) for field, title in TOOLTIP.items()]
    return alt.LayerChart(
        layer=[
            area("alive", USED),
            area("kept", KEPT),
            starts.mark_rule(color=RULE, strokeWidth=0.5).encode(x=x),
            peak.encode(x=x, x2="end:Q", y=y("alive")),
            _peak_name(steps),
            hover.encode(x=x, x2="end:Q", y=y("alive"), y2=alt.value(HEIGHT), tooltip=tooltip),
        ],
        width=WIDTH,
        height=HEIGHT,
        config=STYLE,
    )


def _row(place: int, step: TimelineStep, one: int) -> dict[str, Any]:
    """Return a layer as data: where it is, what is alive, and what the page tells of it."""
    alive = step.elems * BYTES_PER_ELEM
    kept = BYTES_PER_ELEM * sum(n for name, n in step.alive.items() if name not in step.used)
    return {
        "layer": place,
        "end": place + 1,
        "kept": kept / one,
        "alive": alive / one,
        "name": step.node.name,
        "bytes": format_exact(alive),
        "waiting": format_exact(kept),
        "tensors": _tensors(step),
    }


def _tensors(step: TimelineStep) -> str:
    """Return the largest tensors that are alive, with their bytes."""
    every = sorted(step.alive.items(), key=lambda pair: -pair[1])
    listed = [f"{name} {format_exact(elems * BYTES_PER_ELEM)}" for name, elems in every]
    rest = [f"{len(every) - MOST_TENSORS} more"] if len(every) > MOST_TENSORS else []
    return ", ".join([*listed[:MOST_TENSORS], *rest])


def _peak_name(steps: Sequence[TimelineStep]) -> Any:
    """Return the name of the first layer at the peak, from over it to where there is more room."""
    first, *others = peaks(steps)
    more = f" and {len(others)} more" if others else ""
    size = f": {format_exact(first.elems * BYTES_PER_ELEM)} B"
    name = cut(first.node.name, WIDTH / 2 - text_width(f"peak at {more}{size}"))
    middle = (steps.index(first) + 0.5) / len(steps) * WIDTH
    text = chart_of([{"text": f"peak at {name}{more}{size}"}]).mark_text(
        color=ORANGE, baseline="bottom", align="left" if middle < WIDTH / 2 else "right"
    )
    return text.encode(x=alt.value(middle), y=alt.value(-5), text="text:N")


def _spans(steps: Sequence[TimelineStep]) -> Iterator[tuple[str, int, int]]:
    """Yield the stages: name, first layer, and the layer after the last."""
    start = 0
    for name, run in groupby(steps, key=lambda step: step.node.origin.stage):
        end = start + sum(1 for _ in run)
        yield name, start, end
        start = end


def _stage_axis(spans: Sequence[tuple[str, int, int]], layer_width: float) -> alt.Axis:
    """Return an axis with the names of the stages, upright where some do not fit otherwise."""
    middles = [(start + end) / 2 for _, start, end in spans]
    names = {
        f"{middle:g}": cut(name, NAME_WIDTH)
        for middle, (name, *_) in zip(middles, spans, strict=True)
    }
    is_flat = all(
        text_width(name) + NAME_GAP <= (end - start) * layer_width for name, start, end in spans
    )
    return alt.Axis(
        values=middles,
        labelExpr=f"{json.dumps(names)}[datum.value]",
        labelAngle=0 if is_flat else 270,
        labelColor=GRAY_TEXT,
        labelSeparation=1,
        ticks=False,
    )
