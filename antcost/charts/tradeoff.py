"""What networks reach for what they cost, as a figure, with those that no other one beats."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from antcost.charts.placement import Anchor, box_around, cut, steps
from antcost.charts.scales import Scale, labels, scale_of
from antcost.charts.style import BLUE, COLUMN, GRAY, GRAY_TEXT, PAGE, style, values
from antcost.cost.memory import peak_bytes
from antcost.errors import AntcostError
from antcost.tables.table import Unit, show
from antcost.units import format_accuracy
from antcost.views.comparison import Entry

if TYPE_CHECKING:
    import altair as alt

X = Literal["params", "madds", "peak_memory", "latency"]
Y = Literal["top1", "top5"]
LEFT, RIGHT, TICKS, PADDING = 38, 12, 24, 2
"""Pixels beside the plot, for the labels of the ticks, and around the figure."""
FEW = 12
"""Networks that a column has room to name."""
LEAST_HEIGHT, MOST_HEIGHT, HEIGHT_EACH = 150, 340, 4
NAME_WIDTH, DOT = 110, 3.0
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
    """What a network costs: where it is found, how it is called, and how it is printed.

    The ticks of its axis are multiples of `one`.
    """

    label: str
    ticks: str
    one: int
    unit: Unit
    of: Callable[[Entry], int | None]

    @property
    def form(self) -> str:
        """How its ticks are printed."""
        return "~s" if self.one == 1 else ",~g"

    def tick(self, cost: int) -> float:
        """Where the cost is on the axis."""
        return cost / self.one

    def row(self, point: Point, y: Y) -> dict[str, Any]:
        """The point as data."""
        source = point.entry.source(y)
        return {
            "x": self.tick(point.cost),
            "y": point.accuracy,
            "network": point.entry.title,
            "cost": show(point.cost, self.unit, exact=True),
            "accuracy": f"{format_accuracy(point.accuracy)} %",
            "input": str(point.entry.cost.graph.input),
            "source": source.source if source else "",
        }


AMOUNTS: Mapping[X, Amount] = {
    "params": Amount("parameters", "", 1, "count", lambda entry: entry.cost.params),
    "madds": Amount("multiply-adds", "", 1, "count", lambda entry: entry.cost.madds),
    "peak_memory": Amount(
        "peak memory", " (MiB)", 2**20, "bytes",
        lambda entry: peak_bytes(entry.cost.graph, inplace=entry.inplace),
    ),
    "latency": Amount("latency", " (ms)", 10**9, "time", lambda entry: entry.latency_ps),
}  # fmt: skip
ACCURACIES: Mapping[Y, str] = {"top1": "top-1", "top5": "top-5"}


@dataclass(frozen=True, slots=True)
class Point:
    """A network in the figure; its cost is an exact integer."""

    entry: Entry
    cost: int
    accuracy: float


def comparable(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Groups whose accuracies are of one task: as many classes, and images or thumbnails alike."""
    groups: dict[tuple[int | None, bool], list[Entry]] = {}
    for entry in entries:
        is_thumbnail = max(entry.cost.graph.input.dims[1:], default=0) <= THUMBNAIL
        groups.setdefault((entry.network.classes, is_thumbnail), []).append(entry)
    return list(groups.values())


def choices(entries: Sequence[Entry]) -> list[tuple[X, Y]]:
    """The pairs of a cost and an accuracy that at least two of the networks have."""
    return [(x, y) for y in ACCURACIES for x in AMOUNTS if len(points(entries, x, y)) > 1]


def points(entries: Sequence[Entry], x: X, y: Y) -> list[Point]:
    """The networks that have both, in their order."""
    found = ((entry, AMOUNTS[x].of(entry), entry.published(y)) for entry in entries)
    return [
        Point(entry, cost, accuracy)
        for entry, cost, accuracy in found
        if cost is not None and accuracy is not None
    ]


def pareto(at: Sequence[tuple[float, float]]) -> list[int]:
    """Which pairs of a cost and an accuracy no other one beats, the cheapest first.

    One beats another if it is no worse in both, and better in one; of equal ones all are kept.
    """
    front: list[int] = []
    for i in sorted(range(len(at)), key=lambda i: (at[i][0], -at[i][1])):
        if not front or at[i][1] > at[front[-1]][1] or at[i] == at[front[-1]]:
            front.append(i)
    return front


def caption(entries: Sequence[Entry], x: X, y: Y) -> str:
    """What the figure shows, and how many networks it leaves out."""
    shown = len(points(entries, x, y))
    left_out = len(entries) - shown
    return " ".join([
        f"Published {ACCURACIES[y]} accuracy by {AMOUNTS[x].label} of "
        f"{shown} network{'' if shown == 1 else 's'}, named where there is room.",
        "Filled dots on the line: no other network is better in one and no worse in the other.",
        *([f"Left out, without both figures: {left_out}."] if left_out else []),
    ])  # fmt: skip


def tradeoff(entries: Sequence[Entry], x: X, y: Y) -> alt.LayerChart:
    """A dot a network, and a line through those that no other one beats: the Pareto front.

    The cost has a log scale where its range is wide. As wide as a column; with many networks as a
    page of two, to name them. Raises AntcostError if none has both figures.
    """
    import altair as alt

    found = points(entries, x, y)
    if not found:
        raise AntcostError(f"no network has both {AMOUNTS[x].label} and a published {y}")
    amount = AMOUNTS[x]
    whole = COLUMN if len(found) <= FEW else PAGE
    across = scale_of([amount.tick(point.cost) for point in found], whole - LEFT - RIGHT)
    height = min(LEAST_HEIGHT + HEIGHT_EACH * len(found), MOST_HEIGHT)
    up = _accuracies(found, height)
    x_axis = alt.X(
        "x:Q",
        title=f"{amount.label}{amount.ticks}",
        scale=across.altair(),
        axis=alt.Axis(format=amount.form, tickCount=6, labelOverlap="greedy", labelSeparation=6),
    )
    y_axis = alt.Y(
        "y:Q",
        title=f"{ACCURACIES[y]}, published (%)",
        scale=up.altair(),
        axis=alt.Axis(format="~g", tickCount=6, minExtent=TICKS, maxExtent=TICKS),
    )
    order = pareto([(point.cost, point.accuracy) for point in found])
    best = [found[i] for i in order]
    others = [point for i, point in enumerate(found) if i not in order]
    line = [amount.row(point, y) for point in best]
    line.append(line[-1] | {"x": across.high})
    front = alt.Chart(values(line)).mark_line(interpolate="step-after", color=BLUE, strokeWidth=1.2)
    anchors = _anchors(best, "black", amount, across, up)
    pixels = [(anchor.x, anchor.y) for anchor in anchors]
    anchors += _anchors(others, GRAY_TEXT, amount, across, up)
    taken = [
        *(box_around(anchor.x, anchor.y, DOT) for anchor in anchors),
        *steps([*pixels, (across.pixels, pixels[-1][1])]),
    ]
    tooltip = [alt.Tooltip(f"{field}:N", title=title) for field, title in TOOLTIP.items()]

    def dots(group: Sequence[Point], fill: str, stroke: str) -> alt.Chart:
        marks = alt.Chart(values([amount.row(point, y) for point in group])).mark_point(
            shape="circle", size=26, fill=fill, stroke=stroke, strokeWidth=1, opacity=1
        )
        chart: alt.Chart = marks.encode(x=x_axis, y=y_axis, tooltip=tooltip)
        return chart

    layers = [
        front.encode(x=x_axis, y=y_axis),
        *labels(anchors, taken, across, up, x_axis, y_axis),
        dots(others, "white", GRAY),
        dots(best, BLUE, BLUE),
    ]
    chart: alt.LayerChart = (
        alt.LayerChart(layer=layers)
        .properties(width=across.pixels, height=height, padding=PADDING)
        .configure(**style())
    )
    return chart


def _accuracies(found: Sequence[Point], height: float) -> Scale:
    """From the least to the most, with room under the least for the name of the cheapest."""
    low = min(point.accuracy for point in found)
    high = max(point.accuracy for point in found)
    margin = ((high - low) or 1) / height
    return Scale(low - BELOW * margin, high + ABOVE * margin, height, logs=False)


def _anchors(
    group: Sequence[Point], color: str, amount: Amount, across: Scale, up: Scale
) -> list[Anchor]:
    return [
        Anchor(
            across.pixel(amount.tick(point.cost)),
            up.pixels - up.pixel(point.accuracy),
            cut(point.entry.title, NAME_WIDTH),
            color,
        )
        for point in group
    ]
