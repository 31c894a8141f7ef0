"""The roofline of a machine, and what the layers of a network reach under it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import atan2, cos, degrees, hypot, pi, sin, sqrt
from typing import Any

import altair as alt

from antcost.charts.axes import NUMBER
from antcost.charts.placement import FONT, Anchor, Box, box_around, text_width
from antcost.charts.plot import Plot, Scale
from antcost.charts.style import GRAY, GRAY_TEXT, KINDS, OTHER, STYLE, colors_of
from antcost.cost.analysis import Level
from antcost.errors import AntcostError
from antcost.graph.operators import kind
from antcost.measure.breakdown import Breakdown
from antcost.measure.roofline import Roofline
from antcost.units import format_bytes, format_percent, format_ratio
from antcost.views.layer_times import GIGA, LayerTimeRow, lines_of
from antcost.views.measurement_notes import ran_as

WIDTH, HEIGHT = 380, 270
LEAST = Fraction(1, 1000)
"""Of the time: what takes less is left out."""
LARGEST = 420.0
"""Square pixels of the dot that takes the most time."""
NAMED = 8
ROOM = 1.6
"""Between the outermost dots or ridges and the frame, as a factor."""
INSET, LIFT = 28, 4
"""Pixels from the start of a roof to its label along it, and between both."""
PS_PER_US = 10**6
COLORS = KINDS | {OTHER: "#777777"}
Rows = list[dict[str, Any]]


def roofline_figure(breakdown: Breakdown, by: Level) -> alt.LayerChart:
    """Draw a dot a row of the table, its area its time, under the roofs of the machine.

    Rows without FLOPs have no place here, and those that take next to no time are left out. Raises
    AntcostError if no row has FLOPs and a time.
    """
    dots = _dots(lines_of(breakdown, by))
    if not dots:
        raise AntcostError("no layer has FLOPs and a time to draw")
    plot = _plot(breakdown.roofline, dots)
    roofs = _roofs(breakdown.roofline, plot)
    lines = plot.rows(roofs).mark_rule(color=GRAY, strokeWidth=1)
    names = plot.rows(roofs).mark_text(
        align="left", baseline="bottom", color=GRAY_TEXT, dx=INSET, dy=-LIFT
    )
    shown = {one: color for one, color in COLORS.items() if any(dot["kind"] == one for dot in dots)}
    size = alt.Size(
        "time:Q",
        scale=alt.Scale(domain=[0, dots[0]["time"]], range=[0, LARGEST]),
        legend=alt.Legend(title="time (us)", format=NUMBER, symbolFillColor=COLORS[OTHER]),
    )
    circles = plot.rows(dots).mark_circle(opacity=0.75, stroke="white", strokeWidth=0.5)
    layers = [
        lines.encode(x2="x2:Q", y2="y2:Q"),
        names.encode(angle=alt.Angle("angle:Q", scale=None), text="label:N"),
        circles.encode(color=alt.Color("kind:N", title=None, scale=colors_of(shown)), size=size),
        *plot.labels(
            [
                Anchor(
                    *plot.pixel(dot),
                    dot["name"] if place < NAMED else "",
                    COLORS[dot["kind"]],
                    radius=sqrt(LARGEST * dot["time"] / dots[0]["time"] / pi),
                )
                for place, dot in enumerate(dots)
            ],
            [box for roof in roofs for box in _boxes(roof, plot)],
        ),
    ]
    return plot.chart(layers, title=_title(breakdown, dots), config=STYLE)


def _dots(lines: Sequence[LayerTimeRow]) -> Rows:
    """Return the rows in FLOP/B, GFLOP/s and microseconds.

    The most expensive are first, so that none hides behind another.
    """
    dots = [
        {
            "name": line.name,
            "kind": _kind(line),
            "x": float(line.intensity),
            "y": float(line.gflops),
            "time": line.time_ps / PS_PER_US,
        }
        for line in lines
        if line.gflops and (line.time_share or 0) >= LEAST
    ]
    return sorted(dots, key=lambda dot: -dot["time"])


def _kind(line: LayerTimeRow) -> str:
    """Return the kind of layer that takes most of the row's time."""
    times: Counter[str] = Counter()
    for kernel in line.kernels:
        times[kind(kernel.nodes[0])] += kernel.time_ps
    ((most, _),) = times.most_common(1)
    return most if most in KINDS else OTHER


def _plot(roofline: Roofline, dots: Rows) -> Plot:
    ridges = [roofline.flops_per_s / level.bytes_per_s for level in roofline.levels]
    xs = [*(dot["x"] for dot in dots), *ridges]
    ys = [*(dot["y"] for dot in dots), roofline.flops_per_s / GIGA]
    return Plot(
        Scale(min(xs) / ROOM, max(xs) * ROOM, WIDTH, logs=True),
        Scale(min(ys) / ROOM, max(ys) * ROOM, HEIGHT, logs=True),
        alt.Axis(title="arithmetic intensity (FLOP/B)", format=NUMBER, tickCount=5),
        alt.Axis(title="GFLOP/s", format=NUMBER, tickCount=5),
    )


def _roofs(roofline: Roofline, plot: Plot) -> Rows:
    """Return a line for each bandwidth up to where it meets the peak, and the peak itself.

    The fastest is first; levels that are as fast as a larger one have no line of their own.
    """
    peak = roofline.flops_per_s / GIGA
    sizes = {level.bytes_per_s: level.traffic_bytes for level in roofline.levels}
    roofs: Rows = []
    for rate, size in sorted(sizes.items(), reverse=True):
        slope = rate / GIGA
        start = max(plot.across.low, plot.up.low / slope)
        label = f"{format_ratio(Fraction(rate, GIGA))} GB/s at {format_bytes(size)}"
        end = {"x2": peak / slope, "y2": peak}
        roofs.append({"x": start, "y": start * slope, "label": label} | end)
    ridge = {"x": roofs[0]["x2"], "y": peak, "label": f"{peak:.1f} GFLOP/s"}
    roofs.append(ridge | {"x2": plot.across.high, "y2": peak})
    return [roof | {"angle": degrees(_run(roof, plot)[1])} for roof in roofs]


def _run(roof: dict[str, Any], plot: Plot) -> tuple[float, float]:
    """Return the length of a line in pixels, and its angle: clockwise from pointing right."""
    (x, y), (x2, y2) = plot.pixel(roof), plot.pixel({"x": roof["x2"], "y": roof["y2"]})
    return hypot(x2 - x, y2 - y), atan2(y2 - y, x2 - x)


def _boxes(roof: dict[str, Any], plot: Plot) -> Iterator[Box]:
    """Yield boxes along a line and its label."""
    x, y = plot.pixel(roof)
    length, angle = _run(roof, plot)
    for along in range(0, int(length), 3):
        yield box_around(x + along * cos(angle), y + along * sin(angle), 1.5)
    x, y = x + (LIFT + FONT / 2) * sin(angle), y - (LIFT + FONT / 2) * cos(angle)
    for along in range(INSET, INSET + int(text_width(roof["label"])) + FONT, FONT):
        yield box_around(x + along * cos(angle), y + along * sin(angle), FONT / 2)


def _title(breakdown: Breakdown, dots: Rows) -> str:
    drawn_ps = sum(dot["time"] for dot in dots) * PS_PER_US
    rest = 1 - Fraction(round(drawn_ps), breakdown.sum_ps)
    left_out = f"; without FLOPs or tiny, not shown: {format_percent(rest)} % of the time"
    return f"{breakdown.cost.graph.name} by {ran_as(breakdown)}{left_out if rest else ''}"
