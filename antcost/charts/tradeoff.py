"""Networks by what they cost and what they reach, and those that no other one beats."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt

from antcost.charts.axes import Axis, axis_of
from antcost.charts.placement import Anchor, cut
from antcost.charts.plot import Plot, Scale, scale_of
from antcost.charts.style import BLUE, COLUMN, GRAY, GRAY_TEXT, PAGE, STYLE
from antcost.cost.measures import Unit
from antcost.cost.memory import peak_bytes
from antcost.errors import AntcostError
from antcost.tables.table import show
from antcost.units import format_accuracy
from antcost.views.comparison import ComparedNetwork

X = Literal["params", "madds", "peak_memory", "latency"]
Y = Literal["top1", "top5"]
LEFT, RIGHT, TICKS = 38, 12, 24
"""Pixels beside the plot, and for the labels of the ticks."""
FEW = 12
"""Networks that a column has room to name."""
LEAST_HEIGHT, MOST_HEIGHT, HEIGHT_EACH = 150, 340, 4
NAME_WIDTH, DOT = 110, 26
ABOVE, BELOW = 12, 22
"""Pixels over the most accurate network, and under the least."""
TOOLTIP = {
    "network": "network", "cost": "cost", "accuracy": "published", "input": "input",
    "source": "published in",
}  # fmt: skip
THUMBNAIL = 64
"""Pixels: a side of the images of CIFAR (32) or Tiny ImageNet (64)."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A cost of networks: how it is called and printed, and where it is found."""

    label: str
    unit: Unit
    of: Callable[[ComparedNetwork], int | None]

    @property
    def axis(self) -> Axis:
        return axis_of(self.label, self.unit)


AMOUNTS: Mapping[X, Amount] = {
    "params": Amount("parameters", "count", lambda entry: entry.cost.params),
    "madds": Amount("multiply-adds", "count", lambda entry: entry.cost.madds),
    "peak_memory": Amount(
        "peak memory", "bytes", lambda entry: peak_bytes(entry.cost.graph, inplace=entry.inplace)
    ),
    "latency": Amount("latency", "time", lambda entry: entry.latency_ps),
}
ACCURACIES: Mapping[Y, str] = {"top1": "top-1", "top5": "top-5"}


@dataclass(frozen=True, slots=True)
class TradeoffPoint:
    """A network in the figure; its cost is an exact integer."""

    entry: ComparedNetwork
    cost: int
    accuracy: float


def comparable(entries: Sequence[ComparedNetwork]) -> list[list[ComparedNetwork]]:
    """Group networks with accuracies of one task: as many classes, and images or thumbnails."""
    groups: dict[tuple[int | None, bool], list[ComparedNetwork]] = {}
    for entry in entries:
        is_thumbnail = max(entry.cost.graph.input.dims[1:], default=0) <= THUMBNAIL
        groups.setdefault((entry.network.classes, is_thumbnail), []).append(entry)
    return list(groups.values())


def choices(entries: Sequence[ComparedNetwork]) -> list[tuple[X, Y]]:
    """Return the pairs of a cost and an accuracy that at least two of the networks have."""
    return [(x, y) for y in ACCURACIES for x in AMOUNTS if len(points(entries, x, y)) > 1]


def points(entries: Sequence[ComparedNetwork], x: X, y: Y) -> list[TradeoffPoint]:
    """Return the networks that have both, in their order."""
    found = ((entry, AMOUNTS[x].of(entry), entry.published(y)) for entry in entries)
    return [
        TradeoffPoint(entry, cost, accuracy)
        for entry, cost, accuracy in found
        if cost is not None and accuracy is not None
    ]


def pareto(at: Sequence[tuple[float, ...]]) -> list[int]:
    """Return which points no other one beats, the cheapest first: costs, and last what they reach.

    One beats another if it is no worse in all of them, and better in one; of equal ones all are
    kept.
    """
    front: list[int] = []
    for i in sorted(range(len(at)), key=lambda i: (*at[i][:-1], -at[i][-1])):
        if not any(_beats(at[j], at[i]) for j in front):
            front.append(i)
    return front


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    (*costs, reached), (*other_costs, other_reached) = one, other
    no_dearer = all(a <= b for a, b in zip(costs, other_costs, strict=True))
    return no_dearer and reached >= other_reached and one != other


def caption(entries: Sequence[ComparedNetwork], x: X, y: Y) -> str:
    """Return what the figure shows, and how many networks it leaves out."""
    shown = len(points(entries, x, y))
    left_out = len(entries) - shown
    return " ".join([
        f"Published {ACCURACIES[y]} accuracy by {AMOUNTS[x].label} of "
        f"{shown} network{'' if shown == 1 else 's'}, named where there is room.",
        "Filled dots on the line: no other network is better in one and no worse in the other.",
        *([f"Left out, without both figures: {left_out}."] if left_out else []),
    ])  # fmt: skip


def tradeoff(entries: Sequence[ComparedNetwork], x: X, y: Y) -> alt.LayerChart:
    """Draw a dot a network, and a line through those that no other one beats: the Pareto front.

    The cost has a log scale where its range is wide. As wide as a column; with many networks as a
    page of two, to name them. Raises AntcostError if none has both figures.
    """
    found = points(entries, x, y)
    if not found:
        raise AntcostError(f"no network has both {AMOUNTS[x].label} and a published {y}")
    axis = AMOUNTS[x].axis
    width = (COLUMN if len(found) <= FEW else PAGE) - LEFT - RIGHT
    plot = Plot(
        scale_of([axis.of(point.cost) for point in found], width),
        _accuracies(found),
        axis.altair(tickCount=6),
        alt.Axis(
            title=f"{ACCURACIES[y]}, published (%)", format="~g", tickCount=6, minExtent=TICKS,
            maxExtent=TICKS,
        ),
    )  # fmt: skip
    order = pareto([(point.cost, point.accuracy) for point in found])
    best = [_row(found[i], x, y) | {"fill": BLUE, "stroke": BLUE} for i in order]
    others = [
        _row(point, x, y) | {"fill": "white", "stroke": GRAY}
        for i, point in enumerate(found)
        if i not in order
    ]
    line, taken = plot.stairs([*best, best[-1] | {"x": plot.across.high}])
    anchors = [
        Anchor(*plot.pixel(row), cut(row["network"], NAME_WIDTH), color)
        for rows, color in ((best, "black"), (others, GRAY_TEXT))
        for row in rows
    ]
    tooltip = [alt.Tooltip(f"{field}:N", title=title) for field, title in TOOLTIP.items()]
    dots = plot.dots([*others, *best], DOT).encode(tooltip=tooltip)
    return plot.chart([line, *plot.labels(anchors, taken), dots], config=STYLE)


def _accuracies(found: Sequence[TradeoffPoint]) -> Scale:
    """Return a scale with room under the least accuracy for the name of the cheapest network."""
    height = min(LEAST_HEIGHT + HEIGHT_EACH * len(found), MOST_HEIGHT)
    low = min(point.accuracy for point in found)
    high = max(point.accuracy for point in found)
    margin = ((high - low) or 1) / height
    return Scale(low - BELOW * margin, high + ABOVE * margin, height, logs=False)


def _row(point: TradeoffPoint, x: X, y: Y) -> dict[str, Any]:
    """Return a network as data, with what its tooltip says."""
    amount, source = AMOUNTS[x], point.entry.network.source(y)
    return {
        "x": amount.axis.of(point.cost),
        "y": point.accuracy,
        "network": point.entry.title,
        "cost": show(point.cost, amount.unit, exact=True),
        "accuracy": f"{format_accuracy(point.accuracy)} %",
        "input": str(point.entry.cost.graph.input),
        "source": source.source if source else "",
    }
