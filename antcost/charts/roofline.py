"""The roofline of a machine, and a network under it: what its layers reach of what is possible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import atan2, cos, degrees, log, pi, sin, sqrt
from typing import TYPE_CHECKING, Any

from antcost.charts.placement import FONT, Anchor, Box, box_around, text_width
from antcost.charts.scales import Scale, labels
from antcost.charts.style import GRAY, GRAY_TEXT, KINDS, OTHER, small, style, values
from antcost.cost.analysis import Level
from antcost.errors import AntcostError
from antcost.graph.operators import kind
from antcost.measure.breakdown import Breakdown
from antcost.measure.roofline import Roofline
from antcost.units import format_bytes, format_percent, format_ratio
from antcost.views.layer_times import GIGA, LayerTimeRow, lines_of
from antcost.views.measurement_notes import ran_as

if TYPE_CHECKING:
    import altair as alt

WIDTH, HEIGHT = 380, 270
LEAST = Fraction(1, 1000)
"""Of the time: what takes less is left out."""
LARGEST = 420.0
"""Square pixels of the dot that takes the most time."""
NAMED = 8
ROOM = 1.6
"""Between the outermost dots or ridges and the frame, as a factor."""
LIFT = 4
"""Pixels between a roof and what is written over it."""
PS_PER_US = 10**6
NUMBER = ",~f"
COLORS = KINDS | {OTHER: "#777777"}


@dataclass(frozen=True, slots=True)
class Dot:
    """A row of the table: FLOP/B, GFLOP/s, and microseconds."""

    name: str
    kind: str
    x: float
    y: float
    time: float


@dataclass(frozen=True, slots=True)
class Roof:
    """GB/s, and what is written over the line that they make."""

    slope: float
    label: str


@dataclass(frozen=True, slots=True)
class House:
    """The roofs, the highest first, and the axes that they are drawn on."""

    roofs: tuple[Roof, ...]
    peak: float
    across: Scale
    up: Scale

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """Where a point is, from the left and from the top."""
        return self.across.pixel(x), HEIGHT - self.up.pixel(y)

    def value(self, px: float, py: float) -> dict[str, float]:
        """What is there, as fields of a row."""
        return {"x": self.across.value(px), "y": self.up.value(HEIGHT - py)}

    def ridge(self, roof: Roof) -> float:
        """The FLOP/B from which on operations are the limit."""
        return self.peak / roof.slope

    def eaves(self, roof: Roof) -> float:
        """The FLOP/B at which the roof enters the frame."""
        return max(self.across.low, self.up.low / roof.slope)

    @property
    def pitch(self) -> float:
        """The angle of all roofs on the page."""
        return atan2(
            HEIGHT / log(self.up.high / self.up.low),
            WIDTH / log(self.across.high / self.across.low),
        )


def roofline_figure(breakdown: Breakdown, by: Level) -> alt.LayerChart:
    """A dot a row of the table, its area its time. Rows without FLOPs have no place here, and those
    that take next to no time are left out.

    Raises AntcostError if no row has FLOPs and a time.
    """
    import altair as alt

    dots = _dots(lines_of(breakdown, by))
    if not dots:
        raise AntcostError("no layer has FLOPs and a time to draw")
    house = _house(breakdown.roofline, dots)
    look: dict[str, Any] = {"format": NUMBER, "labelOverlap": "greedy", "labelSeparation": 4}
    x = alt.X(
        "x:Q",
        title="arithmetic intensity (FLOP/B)",
        scale=house.across.altair(),
        axis=alt.Axis(tickCount=5, **look),
    )
    y = alt.Y("y:Q", title="GFLOP/s", scale=house.up.altair(), axis=alt.Axis(tickCount=5, **look))
    chart: alt.LayerChart = alt.LayerChart(
        layer=[*_roof_lines(house, x, y), _circles(dots, x, y), *_names(dots, house, x, y)],
        title=small(_title(breakdown, dots)),
    ).properties(width=WIDTH, height=HEIGHT)
    configured: alt.LayerChart = chart.configure(**style())
    return configured


def _dots(lines: Sequence[LayerTimeRow]) -> list[Dot]:
    """From the most expensive on, so that none hides behind another."""
    dots = [
        Dot(
            line.name,
            _kind(line),
            float(line.intensity),
            float(line.gflops),
            line.time_ps / PS_PER_US,
        )
        for line in lines
        if line.gflops and (line.time_share or 0) >= LEAST
    ]
    return sorted(dots, key=lambda dot: -dot.time)


def _kind(line: LayerTimeRow) -> str:
    """The kind of layer that takes most of the row's time."""
    times: Counter[str] = Counter()
    for kernel in line.kernels:
        times[kind(kernel.nodes[0])] += kernel.time_ps
    ((most, _),) = times.most_common(1)
    return most if most in KINDS else OTHER


def _house(roofline: Roofline, dots: Sequence[Dot]) -> House:
    """Levels that are as fast as a larger one have no roof of their own."""
    sizes = {level.bytes_per_s: level.traffic_bytes for level in roofline.levels}
    roofs = tuple(
        Roof(rate / GIGA, f"{_giga(rate)} GB/s at {format_bytes(size)}")
        for rate, size in sorted(sizes.items(), reverse=True)
    )
    peak = roofline.flops_per_s / GIGA
    xs = [*(dot.x for dot in dots), *(peak / roof.slope for roof in roofs)]
    ys = [*(dot.y for dot in dots), peak]
    return House(
        roofs,
        peak,
        Scale(min(xs) / ROOM, max(xs) * ROOM, WIDTH, logs=True),
        Scale(min(ys) / ROOM, max(ys) * ROOM, HEIGHT, logs=True),
    )


def _giga(count: int) -> str:
    return format_ratio(Fraction(count, GIGA))


def _roof_lines(house: House, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Every roof up to its ridge, the one that all share, and what they stand for."""
    import altair as alt

    top = house.roofs[0]
    rows = [
        {
            "x": house.eaves(roof), "y": house.eaves(roof) * roof.slope,
            "x2": house.ridge(roof), "y2": house.peak,
        }
        for roof in house.roofs
    ]  # fmt: skip
    rows.append({"x": house.ridge(top), "y": house.peak, "x2": house.across.high, "y2": house.peak})
    lines = alt.Chart(values(rows)).mark_rule(color=GRAY, strokeWidth=1)
    look: dict[str, Any] = {"fontSize": FONT, "color": GRAY_TEXT, "baseline": "bottom"}
    starts = [{**house.value(*_over(house, roof)), "label": roof.label} for roof in house.roofs]
    start = {"x": house.ridge(top), "y": house.peak, "label": f"{house.peak:.1f} GFLOP/s"}
    slanted = alt.Chart(values(starts)).mark_text(
        align="left", angle=360 - degrees(house.pitch), **look
    )
    flat = alt.Chart(values([start])).mark_text(align="left", dy=-LIFT, **look)
    return [
        lines.encode(x=x, y=y, x2="x2:Q", y2="y2:Q"),
        slanted.encode(x=x, y=y, text="label:N"),
        flat.encode(x=x, y=y, text="label:N"),
    ]


def _over(house: House, roof: Roof) -> tuple[float, float]:
    """Where the text over a roof begins, in pixels."""
    px, py = house.pixel(house.eaves(roof), house.eaves(roof) * roof.slope)
    along, off = 5 * LIFT, LIFT
    return (
        px + along * cos(house.pitch) - off * sin(house.pitch),
        py - along * sin(house.pitch) - off * cos(house.pitch),
    )


def _circles(dots: Sequence[Dot], x: alt.X, y: alt.Y) -> alt.Chart:
    import altair as alt

    rows = [
        {"x": dot.x, "y": dot.y, "kind": dot.kind, "time": dot.time, "name": dot.name}
        for dot in dots
    ]
    shown = [one for one in COLORS if any(dot.kind == one for dot in dots)]
    look: dict[str, Any] = {
        "labelFontSize": FONT,
        "titleFontSize": FONT,
        "titleFontWeight": "normal",
    }
    color = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=shown, range=[COLORS[one] for one in shown]),
        legend=alt.Legend(title=None, symbolOpacity=1, **look),
    )
    size = alt.Size(
        "time:Q",
        scale=alt.Scale(domain=[0, dots[0].time], range=[0, LARGEST]),
        legend=alt.Legend(title="time (us)", values=_round(dots[0].time), format=NUMBER, **look),
    )
    circles = alt.Chart(values(rows)).mark_circle(opacity=0.75, stroke="white", strokeWidth=0.5)
    chart: alt.Chart = circles.encode(x=x, y=y, color=color, size=size)
    return chart


def _round(most: float) -> list[float]:
    """The largest of 1, 2, 5, 10, ... up to the most, and a fifth and a twentieth of it."""
    largest = max(
        step * 10.0**power
        for power in range(-3, 9)
        for step in (1, 2, 5)
        if step * 10.0**power <= most
    )
    return [largest / 20, largest / 5, largest]


def _names(dots: Sequence[Dot], house: House, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """The names of the most expensive rows, where there is room for them."""
    anchors = [
        Anchor(*house.pixel(dot.x, dot.y), dot.name, COLORS[dot.kind], radius=_radius(dot, dots))
        for dot in dots[:NAMED]
    ]
    return labels(anchors, list(_taken(dots, house)), house.across, house.up, x, y)


def _radius(dot: Dot, dots: Sequence[Dot]) -> float:
    return sqrt(LARGEST * dot.time / dots[0].time / pi)


def _taken(dots: Sequence[Dot], house: House) -> Iterator[Box]:
    """Dots, roofs, and what is written over them."""
    for dot in dots:
        yield box_around(*house.pixel(dot.x, dot.y), _radius(dot, dots))
    for roof in house.roofs:
        low, high = house.pixel(house.eaves(roof), 1)[0], house.pixel(house.ridge(roof), 1)[0]
        for px in range(int(low), int(high), 3):
            yield box_around(px, house.pixel(1, house.across.value(px) * roof.slope)[1], 1.5)
        begin, steps = _over(house, roof), int(text_width(roof.label) / FONT) + 1
        for step in range(steps):
            along = step * FONT
            yield box_around(
                begin[0] + along * cos(house.pitch), begin[1] - along * sin(house.pitch), FONT / 2
            )
    left, top = house.pixel(house.ridge(house.roofs[0]), house.peak)
    yield Box(left, top - FONT - LIFT, left + text_width("100.0 GFLOP/s"), top)
    yield Box(left, top - 1, WIDTH, top + 1)


def _title(breakdown: Breakdown, dots: Sequence[Dot]) -> str:
    drawn_ps = sum(dot.time for dot in dots) * PS_PER_US
    rest = 1 - Fraction(round(drawn_ps), breakdown.sum_ps)
    left_out = f"; without FLOPs or tiny, not shown: {format_percent(rest)} % of the time"
    return f"{breakdown.cost.graph.name} by {ran_as(breakdown)}{left_out if rest else ''}"
