"""Panels of horizontal bars, stacked by the kind of layer, with their numbers beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from antcost.charts.placement import FONT, cut, text_width
from antcost.charts.style import GRAY_TEXT, KINDS, OTHER, style, values
from antcost.tables.table import Unit, show
from antcost.units import format_percent

if TYPE_CHECKING:
    import altair as alt

LEAST = Fraction(3, 100)
"""Of a panel's width: kinds that no bar has as much of are drawn as other ones."""
LINE, BAR, SQUARE = 12, 10, 7
PADDING, GAP = 2, 4
"""Pixels around the figure, and beside texts."""
DARK = {"pointwise conv", "depthwise conv", "conv", "transposed conv"}
"""Kinds whose colour has white text."""
TOOLTIP = {"panel": "of", "what": "kind", "count": "count", "share": "share"}
Marks = list[dict[str, Any]]
Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Bar:
    """A count of one row, by the kind of its layers."""

    name: str
    counts: Counter[str]


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars below each other, one a row: either all fill the panel, or they share a scale."""

    title: str
    unit: Unit
    bars: Sequence[Bar]
    shares: bool = False

    @property
    def total_width(self) -> float:
        """Pixels that the widest total takes, printed."""
        return max(text_width(self.total(bar)) for bar in self.bars)

    def total(self, bar: Bar) -> str:
        """What all parts of a bar are, as it is printed."""
        return str(show(bar.counts.total(), self.unit))

    def share(self, bar: Bar, count: int) -> Fraction:
        """Of the panel's width, what a count of this bar takes."""
        whole = bar.counts.total() if self.shares else max(b.counts.total() for b in self.bars)
        return Fraction(count, whole or 1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bars of a panel begin, and how long the longest is."""

    left: float
    width: float


def stacked_bars(panels: Sequence[Panel], what: str, width: int, most_name: int) -> alt.LayerChart:
    """The panels side by side, with the names of the rows at the left and a legend above.

    `width` is that of the whole figure, and `most_name` what names may take of it, in pixels, which
    are the units of both axes. A tooltip says `what` a row is.
    """
    import altair as alt

    inner = width - 2 * PADDING
    names = [bar.name for bar in panels[0].bars]
    left = max(text_width(cut(name, most_name)) for name in names) + GAP + 1
    step = (inner - left) / len(panels)
    places = [
        Place(left + number * step, step - panel.total_width - 2 * GAP)
        for number, panel in enumerate(panels)
    ]
    known = _known(panels)
    parts = [
        part
        for panel, place in zip(panels, places, strict=True)
        for row, bar in enumerate(panel.bars)
        for part in _parts(panel, bar, known, place, row * LINE)
    ]
    legend = list(_legend([kind for kind in KINDS if any(p["kind"] == kind for p in parts)], inner))
    top = min((square["y"] for square in legend), default=-LINE) - LINE / 2
    height = len(names) * LINE - top
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, inner], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[height + top, top], nice=False))
    color = alt.Color("color:N", scale=None)
    tooltip = [
        alt.Tooltip("name:N", title=what),
        *(alt.Tooltip(f"{field}:N", title=title) for field, title in TOOLTIP.items()),
    ]

    def texts(rows: Marks, align: Align, **more: Any) -> alt.Chart:
        marks = alt.Chart(values(rows)).mark_text(align=align, baseline="middle", fontSize=FONT)
        chart: alt.Chart = marks.encode(x=x, y=y, text="text:N", color=color, **more)
        return chart

    rects = alt.Chart(values(parts)).mark_rect(stroke="white", strokeWidth=0.5)
    squares = alt.Chart(values(legend)).mark_square(size=SQUARE**2, opacity=1)
    layers = [
        rects.encode(x=x, x2="x2:Q", y=y, y2="y2:Q", color=color, tooltip=tooltip),
        squares.encode(x=x, y=y, color=color),
        texts(_beside(legend), "left"),
        texts(_heads(panels, places), "left"),
        texts(_names(names, left, most_name), "right", tooltip="name:N"),
        texts(_totals(panels, places), "left"),
        texts(_inside(parts), "center"),
    ]
    chart: alt.LayerChart = (
        alt.LayerChart(layer=layers)
        .properties(width=inner, height=height, padding=PADDING)
        .configure(**style())
    )
    return chart


def _known(panels: Sequence[Panel]) -> set[str]:
    """The kinds with a colour of their own that some bar has enough of to be seen."""
    return {
        kind
        for panel in panels
        for bar in panel.bars
        for kind, count in bar.counts.items()
        if kind in KINDS and panel.share(bar, count) >= LEAST
    }


def _parts(panel: Panel, bar: Bar, known: set[str], place: Place, y: float) -> Iterator[Any]:
    """What a bar is made of, in the order of the colours."""
    x, whole = place.left, bar.counts.total()
    for kind, color in KINDS.items():
        merged = [one for one in +bar.counts if (one if one in known else OTHER) == kind]
        count = sum(bar.counts[one] for one in merged)
        if not count:
            continue
        x2 = x + place.width * float(panel.share(bar, count))
        share = Fraction(count, whole)
        yield {
            "x": x, "x2": x2, "y": y + (LINE - BAR) / 2, "y2": y + (LINE + BAR) / 2,
            "kind": kind,
            "color": color,
            "percent": f"{100 * float(share):.0f} %" if panel.shares else "",
            "name": bar.name,
            "panel": panel.title,
            "what": ", ".join(merged),
            "count": show(count, panel.unit, exact=True),
            "share": f"{format_percent(share)} % of {show(whole, panel.unit, exact=True)}",
        }  # fmt: skip
        x = x2


def _legend(kinds: Sequence[str], width: float) -> Iterator[Any]:
    """A square a kind, in as many lines above the bars as it takes."""
    lines: list[list[str]] = [[]]
    for kind in kinds:
        if sum(map(_item_width, [*lines[-1], kind])) > width:
            lines.append([])
        lines[-1].append(kind)
    for number, line in enumerate(reversed(lines)):
        x = SQUARE / 2
        for kind in line:
            yield {"x": x, "y": -(number + 1.6) * LINE, "color": KINDS[kind], "text": kind}
            x += _item_width(kind)


def _item_width(kind: str) -> float:
    return SQUARE + text_width(kind) + 3 * GAP


def _beside(squares: Marks) -> Marks:
    return [
        {"x": one["x"] + SQUARE, "y": one["y"], "text": one["text"], "color": "black"}
        for one in squares
    ]


def _heads(panels: Sequence[Panel], places: Sequence[Place]) -> Marks:
    return [
        {"x": place.left, "y": -LINE / 2, "text": cut(panel.title, place.width), "color": "black"}
        for panel, place in zip(panels, places, strict=True)
    ]


def _names(names: Sequence[str], left: float, most: int) -> Marks:
    return [
        {
            "x": left - GAP,
            "y": (row + 0.5) * LINE,
            "text": cut(name, most),
            "name": name,
            "color": "black",
        }
        for row, name in enumerate(names)
    ]


def _totals(panels: Sequence[Panel], places: Sequence[Place]) -> Marks:
    """Behind each bar its total."""
    return [
        {
            "x": place.left + place.width * float(panel.share(bar, bar.counts.total())) + GAP,
            "y": (row + 0.5) * LINE,
            "text": panel.total(bar),
            "color": GRAY_TEXT,
        }
        for panel, place in zip(panels, places, strict=True)
        for row, bar in enumerate(panel.bars)
    ]


def _inside(parts: Marks) -> Marks:
    """The shares of parts that have room for them."""
    return [
        {
            "x": (part["x"] + part["x2"]) / 2,
            "y": (part["y"] + part["y2"]) / 2,
            "text": part["percent"],
            "color": "white" if part["kind"] in DARK else "black",
        }
        for part in parts
        if part["percent"] and text_width(part["percent"]) + GAP <= part["x2"] - part["x"]
    ]
