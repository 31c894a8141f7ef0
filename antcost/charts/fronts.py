"""A front of a search: the best networks by what they cost, beside existing ones."""

from collections.abc import Sequence
from typing import Any, Literal

import altair as alt

from antcost.charts.axes import measure_axis
from antcost.charts.placement import Anchor
from antcost.charts.plot import Plot, scale_of
from antcost.charts.search import objective_axis
from antcost.charts.style import BLUE, ORANGE, STYLE
from antcost.charts.tradeoff import pareto
from antcost.errors import AntcostError
from antcost.search.front import Front, FrontPoint
from antcost.search.result import Candidate

Rows = list[dict[str, Any]]
WIDTH, HEIGHT = 340, 250
MAP, MANY = 260, 80
CURVE_FAR, MAP_FAR = 0.5, 0.05
"""Of the range of the best networks: how far outside of it existing ones are shown."""
SCHEME: Literal["viridis"] = "viridis"
BLACK = "#333333"
NOT_PROVEN = "{}: not proven to be best"


def front_figure(front: Front) -> alt.LayerChart:
    """Draw the objective of the best networks by their cost, or by two budgets.

    Raises AntcostError if there is no network within any of the budgets.
    """
    if not any(point.best for point in front.points):
        raise AntcostError("no network is within any of these budgets")
    return _curve(front) if len(front.axes) == 1 else _map(front)


def _curve(front: Front) -> alt.LayerChart:
    """Draw the best networks as steps over what they cost, and others as crosses."""
    across, up = measure_axis(front.axes[0]), objective_axis(front.space)
    best = [
        _row(front, one) | {"fill": BLUE if point.proven else "white", "stroke": BLUE}
        for point, one in _undominated(front)
    ]
    existing = _existing(front, best, CURVE_FAR)
    end = best[-1] | {"x": max(across.of(point.limits[0]) for point in front.points)}
    every = [*best, end, *existing]
    plot = Plot(
        scale_of([row["x"] for row in every], WIDTH),
        scale_of([row["y"] for row in every], HEIGHT),
        across.altair(tickCount=6),
        up.altair(tickCount=6),
    )
    line, taken = plot.stairs([*best, end])
    middle = end | {"x": (best[-1]["x"] + end["x"]) / 2}
    anchors = [
        Anchor(*plot.pixel(middle), "best networks", BLUE, needed=True),
        *_anchors(existing, plot),
        *(Anchor(*plot.pixel(row)) for row in best),
    ]
    crosses = plot.rows(existing).mark_point(
        shape="cross", size=22, filled=True, opacity=1, angle=45
    )
    layers = [
        line,
        plot.dots(best, 16),
        crosses.encode(color=alt.Color("color:N", scale=None)),
        *plot.labels(anchors, taken),
    ]
    is_open = any(row["fill"] == "white" for row in best)
    return plot.chart(
        layers, title=_note([NOT_PROVEN.format("open circles")] * is_open), config=STYLE
    )


def _map(front: Front) -> alt.LayerChart:
    """Draw the objective of the best network under both budgets in colour.

    Every network of the front reaches all budgets to its right and above it; it is drawn over the
    ones that reach less there.
    """
    across, up = map(measure_axis, front.axes)
    worth = objective_axis(front.space)
    found = sorted((one for _, one in _undominated(front)), key=lambda one: one.worth)
    limits = zip(*(point.limits for point in front.points), strict=True)
    right, top = (axis.of(max(each)) for axis, each in zip((across, up), limits, strict=True))
    best = [_row(front, one) | {"x2": right, "y2": top} for one in found]
    existing = _existing(front, [*best, {"x": right, "y": top}], MAP_FAR)
    plot = Plot(
        scale_of([right, *(row["x"] for row in (*best, *existing))], MAP),
        scale_of([top, *(row["y"] for row in (*best, *existing))], MAP),
        across.altair(", at most", tickCount=5),
        up.altair(", at most", tickCount=5),
    )
    worths = [row["worth"] for row in best]
    color = alt.Color(
        "worth:Q",
        title=worth.title,
        scale=alt.Scale(
            scheme=SCHEME, reverse=worth.unit < 0, domain=[min(worths), max(worths)], clamp=True
        ),
        legend=alt.Legend(gradientLength=MAP - 20, gradientThickness=10, format=worth.form),
    )
    diamonds = plot.rows(existing).mark_point(
        shape="diamond", size=50, filled=True, opacity=1, stroke="white", strokeWidth=1
    )
    layers = [
        plot.rows(best).mark_rect().encode(x2="x2:Q", y2="y2:Q", color=color),
        plot.dots(
            [row | {"fill": "white", "stroke": "black"} for row in best],
            14 if len(best) < MANY else 7,
        ),
        diamonds.encode(color=color),
        *plot.labels(_anchors(existing, plot), halo=True),
    ]
    unproven = sum(not point.proven for point in front.points)
    note = [
        "circles: best networks",
        *(["diamonds: existing networks, coloured by the same scale"] if existing else []),
        *([NOT_PROVEN.format(f"{unproven} of {len(front.points)}")] if unproven else []),
    ]
    return plot.chart(layers, title=_note(note), config=STYLE)


def _note(parts: Sequence[str]) -> alt.Title:
    """Return a line above the plot."""
    return alt.Title("; ".join(parts), anchor="start")


def _undominated(front: Front) -> list[tuple[FrontPoint, Candidate]]:
    """Return the best networks that no other one beats at no higher costs, the cheapest first."""
    found: dict[tuple[float, ...], tuple[FrontPoint, Candidate]] = {}
    for point in front.points:
        if point.best:
            costs = (point.best.counts[measure.name] for measure in front.axes)
            found.setdefault((*costs, point.best.worth), (point, point.best))
    networks = list(found.values())
    return [networks[i] for i in pareto(list(found))]


def _row(front: Front, network: Candidate) -> dict[str, Any]:
    """Return where a network is: by its costs, or its cost and what it is worth."""
    worth = objective_axis(front.space).of(network.worth)
    costs = [measure_axis(one).of(network.counts[one.name]) for one in front.axes]
    x, y, *_ = *costs, worth
    return {"x": x, "y": y, "worth": worth}


def _existing(front: Front, best: Rows, far: float) -> Rows:
    """Return the base, which stands out, and existing networks that are not far from the best."""
    base = front.space.base.name
    bases = [
        _row(front, mark.network) | {"name": f"{base}, base", "color": ORANGE}
        for mark in front.marks
        if mark.name == base
    ]
    others = [
        _row(front, mark.network) | {"name": mark.name, "color": BLACK}
        for mark in front.marks
        if mark.name != base
    ]
    return [*bases, *(row for row in others if _is_near(row, [*best, *bases], far))]


def _is_near(row: dict[str, Any], best: Rows, far: float) -> bool:
    for field in "xy":
        low, high = min(one[field] for one in best), max(one[field] for one in best)
        margin = far * (high - low)
        if not low - margin <= row[field] <= high + margin:
            return False
    return True


def _anchors(existing: Rows, plot: Plot) -> list[Anchor]:
    return [
        Anchor(*plot.pixel(row), row["name"], row["color"], needed=row["color"] == ORANGE)
        for row in existing
    ]
