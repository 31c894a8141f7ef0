"""A front in a figure: the best networks by what they cost, beside those that exist."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Any, Literal

from antcost.charts.axes import axis_of, worth_axis
from antcost.charts.placement import FONT, Anchor, Box, box_around, place, steps
from antcost.charts.style import BLUE, GRAY, GRAY_TEXT, ORANGE, style, values
from antcost.errors import AntcostError
from antcost.search.front import Front, Point
from antcost.search.run import Candidate

if TYPE_CHECKING:
    import altair as alt

Where = Callable[[Candidate], tuple[float, float]]
WIDTH, HEIGHT = 340, 250
MAP = 260
MANY = 80
DOT, CROSS = 3.0, 3.5
LOG_FROM = 10
BEYOND, FAR, MARGIN = 1.15, 0.6, 0.05
SCHEME: Literal["viridis"] = "viridis"
BLACK = "#333333"
NOT_PROVEN = "{}: not proven to be best"


@dataclass(frozen=True, slots=True)
class Plane:
    """What a plot shows of both axes, and how many pixels it is wide and high."""

    xs: tuple[float, float]
    ys: tuple[float, float]
    width: float
    height: float
    logs: bool = False

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """Where a value is, from the left and from the top."""
        (left, right), (low, high) = self.xs, self.ys
        share = log(x / left) / log(right / left) if self.logs else (x - left) / (right - left)
        return share * self.width, (high - y) / (high - low) * self.height

    def value(self, px: float, py: float) -> tuple[float, float]:
        """What value is there: the inverse of `pixel`."""
        (left, right), (low, high), share = self.xs, self.ys, px / self.width
        x = left * (right / left) ** share if self.logs else left + share * (right - left)
        return x, high - py / self.height * (high - low)

    @property
    def room(self) -> Box:
        return Box(0, 0, self.width, self.height)


@dataclass(frozen=True, slots=True)
class Cross:
    """A network that exists, where it is on both axes; the base stands out, and is named first."""

    name: str
    x: float
    y: float
    worth: float
    is_base: bool

    @property
    def label(self) -> str:
        return f"{self.name}, base" if self.is_base else self.name

    @property
    def color(self) -> str:
        return ORANGE if self.is_base else BLACK


def front_figure(front: Front) -> alt.LayerChart:
    """What the best networks are worth by their cost, or by two budgets, beside those that exist.

    Raises AntcostError if there is no network within any of the budgets.
    """
    if not any(point.best for point in front.points):
        raise AntcostError("no network is within any of these budgets")
    chart = _curve(front) if len(front.axes) == 1 else _map(front)
    configured: alt.LayerChart = chart.configure(**style())
    return configured


def _curve(front: Front) -> alt.LayerChart:
    """The worth of the best networks as steps over what they cost, with others as crosses."""
    import altair as alt

    (measure,) = front.axes
    across, up = axis_of(measure), worth_axis(front.space)
    points = undominated(front)

    def where(one: Candidate) -> tuple[float, float]:
        return across.of(one.counts[measure.name]), up.of(one.worth)

    at = [where(point.best) for point in points if point.best]
    crosses = _near(_crosses(front, where), at)
    end = max(across.of(point.limits[0]) for point in front.points), at[-1][1]
    xs, ys = zip(*at, end, *((cross.x, cross.y) for cross in crosses), strict=True)
    logs = min(xs) > 0 and max(xs) > LOG_FROM * min(xs)
    plane = Plane(_widened(xs, logs), _widened(ys), WIDTH, HEIGHT, logs)
    x = alt.X(
        "x:Q",
        title=across.title,
        scale=alt.Scale(domain=list(plane.xs), nice=False, type="log" if logs else "linear"),
        axis=alt.Axis(format=across.form, tickCount=6, labelOverlap="greedy", labelSeparation=6),
    )
    y = alt.Y(
        "y:Q",
        title=up.title,
        scale=alt.Scale(domain=list(plane.ys), nice=False, zero=False),
        axis=alt.Axis(format=up.form, tickCount=6),
    )
    fills = [BLUE if point.proven else "white" for point in points]
    rows: list[dict[str, Any]] = [
        {"x": px, "y": py, "fill": fill} for (px, py), fill in zip(at, fills, strict=True)
    ]
    line = (
        alt.Chart(values([*rows, {"x": end[0], "y": end[1]}]))
        .mark_line(interpolate="step-after", color=BLUE, strokeWidth=1.2)
        .encode(x=x, y=y)
    )
    dots = (
        alt.Chart(values(rows))
        .mark_point(shape="circle", size=16, stroke=BLUE, strokeWidth=1, opacity=1)
        .encode(x=x, y=y, fill=alt.Fill("fill:N", scale=None))
    )
    pixels = [plane.pixel(*one) for one in at]
    (last, height), (right, _) = pixels[-1], plane.pixel(*end)
    taken = [*(box_around(*pixel, DOT) for pixel in pixels), *steps([*pixels, (right, height)])]
    front_label = Anchor((last + right) / 2, height, "best networks", BLUE, needed=True)
    existing = (
        alt.Chart(
            values(
                [{**at, "color": c.color} for at, c in zip(_places(crosses), crosses, strict=True)]
            )
        )
        .mark_point(shape="cross", size=22, filled=True, opacity=1, angle=45)
        .encode(x=x, y=y, color=alt.Color("color:N", scale=None))
    )
    layers = [
        line, dots, existing, *_labels([front_label], crosses, taken, plane, x, y),
        *_note([NOT_PROVEN.format("open circles")] if "white" in fills else []),
    ]  # fmt: skip
    chart: alt.LayerChart = alt.LayerChart(layer=layers).properties(width=WIDTH, height=HEIGHT)
    return chart


def undominated(front: Front) -> list[Point]:
    """The points with networks that no other one beats at no higher costs; the cheapest first."""

    def costs(one: Candidate) -> tuple[int, ...]:
        return tuple(one.counts[measure.name] for measure in front.axes)

    found = [(point, point.best) for point in front.points if point.best]
    found.sort(key=lambda pair: (costs(pair[1]), -pair[1].worth))
    kept: list[tuple[Point, Candidate]] = []
    for point, one in found:
        if not any(
            other.worth >= one.worth
            and all(a <= b for a, b in zip(costs(other), costs(one), strict=True))
            for _, other in kept
        ):
            kept.append((point, one))
    return [point for point, _ in kept]


def _crosses(front: Front, where: Where) -> list[Cross]:
    """The networks that exist, the base first."""
    up, base = worth_axis(front.space), front.space.base.name
    crosses = [
        Cross(mark.name, *where(mark.network), up.of(mark.network.worth), mark.name == base)
        for mark in front.marks
    ]
    return sorted(crosses, key=lambda cross: not cross.is_base)


def _near(crosses: Sequence[Cross], at: Sequence[tuple[float, float]]) -> list[Cross]:
    """The base, and what is not so far from it and the front that these would become small."""
    xs, ys = zip(*at, *((cross.x, cross.y) for cross in crosses if cross.is_base), strict=True)
    beyond = FAR * (max(ys) - min(ys) or abs(max(ys)))
    return [
        cross
        for cross in crosses
        if cross.is_base
        or (
            min(xs) / BEYOND <= cross.x <= max(xs) * BEYOND
            and min(ys) - beyond <= cross.y <= max(ys) + beyond
        )
    ]


def _widened(numbers: Sequence[float], logs: bool = False) -> tuple[float, float]:
    """From the least to the most, with a margin."""
    low, high = min(numbers), max(numbers)
    if logs:
        factor = (high / low) ** MARGIN
        return low / factor, high * factor
    margin = MARGIN * ((high - low) or abs(high) or 1)
    return low - margin, high + margin


def _labels(
    first: Sequence[Anchor],
    crosses: Sequence[Cross],
    taken: Sequence[Box],
    plane: Plane,
    x: alt.X,
    y: alt.Y,
) -> list[alt.Chart]:
    """Labels where there is room for them, those of the first and of the base in any case.

    White around the letters keeps them legible on any ground.
    """
    import altair as alt

    pixels = [plane.pixel(cross.x, cross.y) for cross in crosses]
    anchors = [
        *first,
        *(
            Anchor(*at, cross.label, cross.color, cross.is_base)
            for cross, at in zip(crosses, pixels, strict=True)
        ),
    ]
    marks = [*taken, *(box_around(*at, CROSS) for at in pixels)]
    texts, leaders = [], []
    for anchor, spot in zip(anchors, place(anchors, marks, plane.room), strict=True):
        if spot is None:
            continue
        left, middle = plane.value(spot.box.left, (spot.box.top + spot.box.bottom) / 2)
        texts.append({"x": left, "y": middle, "label": anchor.text, "color": anchor.color})
        if spot.leader is not None:
            (x1, y1), (x2, y2) = plane.value(anchor.x, anchor.y), plane.value(*spot.leader)
            leaders.append({"x": x1, "y": y1, "x2": x2, "y2": y2})
    lines = alt.Chart(values(leaders)).mark_rule(color=GRAY, strokeWidth=0.5)
    written = alt.Chart(values(texts)).encode(x=x, y=y, text="label:N")
    look: dict[str, Any] = {"align": "left", "baseline": "middle", "fontSize": FONT}
    return [
        lines.encode(x=x, y=y, x2="x2:Q", y2="y2:Q"),
        written.mark_text(**look, stroke="white", strokeWidth=2.5, strokeJoin="round"),
        written.mark_text(**look).encode(color=alt.Color("color:N", scale=None)),
    ]


def _note(parts: Sequence[str]) -> list[alt.Chart]:
    """A line above the plot, if there is anything to say."""
    import altair as alt

    chart = (
        alt.Chart(values([{"note": "; ".join(parts)}]))
        .mark_text(align="left", fontSize=FONT, color=GRAY_TEXT)
        .encode(x=alt.value(0), y=alt.value(-8), text="note:N")
    )
    return [chart] if parts else []


def _map(front: Front) -> alt.LayerChart:
    """What the best network under both budgets is worth, in colour.

    Every network of the front reaches all budgets to its right and above it; it is drawn over the
    ones that are worth less there.
    """
    import altair as alt

    across, up = (axis_of(measure) for measure in front.axes)
    worth = worth_axis(front.space)

    def where(one: Candidate) -> tuple[float, float]:
        first, second = front.axes
        return across.of(one.counts[first.name]), up.of(one.counts[second.name])

    found = sorted((p.best for p in undominated(front) if p.best), key=lambda one: one.worth)
    right, top = (
        max(axis.of(point.limits[i]) for point in front.points)
        for i, axis in enumerate((across, up))
    )
    areas = [
        {"x": at[0], "x2": right, "y": at[1], "y2": top, "worth": worth.of(one.worth)}
        for one in found
        for at in [where(one)]
    ]
    left, bottom = (min(area[corner] for area in areas) for corner in ("x", "y"))
    inside = Box(left - MARGIN * (right - left), bottom - MARGIN * (top - bottom), right, top)
    crosses = [
        cross
        for cross in _crosses(front, where)
        if cross.is_base or inside.holds(box_around(cross.x, cross.y, 0))
    ]
    plane = Plane(
        _widened([left, right, *(cross.x for cross in crosses)]),
        _widened([bottom, top, *(cross.y for cross in crosses)]),
        MAP,
        MAP,
    )
    x = alt.X(
        "x:Q",
        title=f"{across.title}, at most",
        scale=alt.Scale(domain=list(plane.xs), nice=False, zero=False),
        axis=alt.Axis(format=across.form, tickCount=5, labelOverlap="greedy", labelSeparation=6),
    )
    y = alt.Y(
        "y:Q",
        title=f"{up.title}, at most",
        scale=alt.Scale(domain=list(plane.ys), nice=False, zero=False),
        axis=alt.Axis(format=up.form, tickCount=5),
    )
    worths = [area["worth"] for area in areas]
    color_scale = alt.Scale(
        scheme=SCHEME, reverse=worth.unit < 0, domain=[min(worths), max(worths)], clamp=True
    )
    color = alt.Color(
        "worth:Q",
        title=worth.title,
        scale=color_scale,
        legend=alt.Legend(
            type="gradient",
            gradientLength=MAP - 20,
            gradientThickness=10,
            labelFontSize=FONT,
            titleFontSize=FONT,
            titleFontWeight="normal",
            format=worth.form,
        ),
    )
    heat = alt.Chart(values(areas)).mark_rect().encode(x=x, y=y, x2="x2:Q", y2="y2:Q", color=color)
    points = (
        alt.Chart(values([{"x": area["x"], "y": area["y"]} for area in areas]))
        .mark_point(shape="circle", filled=True, fill="white", stroke="black", strokeWidth=0.6)
        .encode(x=x, y=y, size=alt.value(14 if len(areas) < MANY else 7), opacity=alt.value(1))
    )
    diamonds = [
        {**at, "worth": cross.worth} for at, cross in zip(_places(crosses), crosses, strict=True)
    ]
    existing = (
        alt.Chart(values(diamonds))
        .mark_point(shape="diamond", size=50, filled=True, opacity=1, stroke="white", strokeWidth=1)
        .encode(x=x, y=y, color=color)
    )
    unproven = sum(not point.proven for point in front.points)
    note = [
        "circles: best networks",
        *(["diamonds: existing networks, coloured by the same scale"] if crosses else []),
        *([NOT_PROVEN.format(f"{unproven} of {len(front.points)}")] if unproven else []),
    ]
    layers = [heat, points, existing, *_labels([], crosses, [], plane, x, y), *_note(note)]
    chart: alt.LayerChart = alt.LayerChart(layer=layers).properties(width=MAP, height=MAP)
    return chart


def _places(crosses: Sequence[Cross]) -> list[dict[str, float]]:
    return [{"x": cross.x, "y": cross.y} for cross in crosses]
