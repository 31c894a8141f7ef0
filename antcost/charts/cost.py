"""Where the cost goes, as figures: by the kind of layer, for networks and for stages."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import altair as alt

from antcost.charts.placement import FONT, cut, text_width
from antcost.charts.style import COLUMN, GRAY_TEXT, KINDS, OTHER, PAGE, STYLE, colors_of
from antcost.cost.analysis import NetCost, Row, merge
from antcost.graph.graph import Node
from antcost.graph.operators import kind
from antcost.tables.table import Unit, show
from antcost.units import format_percent
from antcost.views.comparison import ComparedNetwork

LEAST = Fraction(3, 100)
"""Of a panel's width: kinds that no bar has as much of are drawn as other ones."""
LINE, BAR, GAP = 12, 10, 4
NAME_WIDTH, STAGE_WIDTH = 120, 60
"""Pixels that the names of networks and of stages may take."""
COLUMN_KINDS, PAGE_KINDS = 2, 6
"""How many kinds a line of the legend has."""
MOST_STAGES = 45
DARK = ["pointwise conv", "depthwise conv", "conv", "transposed conv"]
"""Kinds whose colour has white text."""
TOOLTIP = {"panel": "of", "what": "kind", "count": "count", "share": "share"}
Count = Callable[[Row], int]
COUNTS: tuple[tuple[str, Count], ...] = (
    ("multiply-adds", lambda row: row.madds),
    ("parameters", lambda row: row.params),
)


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars below each other, one a row, of counts by kind: all as long, or on one scale."""

    title: str
    unit: Unit
    bars: Sequence[Counter[str]]
    shares: bool = False

    def total(self, bar: Counter[str]) -> str:
        """Return the sum of a bar as it is printed."""
        return str(show(bar.total(), self.unit))

    def share(self, bar: Counter[str], count: int) -> Fraction:
        """Return which part of the panel's width a count of this bar takes."""
        whole = bar.total() if self.shares else max(one.total() for one in self.bars)
        return Fraction(count, whole or 1)


def cost_by_kind(entries: Sequence[ComparedNetwork]) -> alt.FacetChart:
    """Draw a row a network: the kinds of layers that its MAdds and parameters are in, as shares.

    If all have predictions there is a third panel, of latency. As wide as a page of two columns.
    """

    def panel(title: str, unit: Unit, counts: Sequence[Count]) -> Panel:
        bars = [_by_kind(one.cost.layers, of) for one, of in zip(entries, counts, strict=True)]
        return Panel(title, unit, bars, shares=True)

    panels = [panel(title, "count", [count] * len(entries)) for title, count in COUNTS]
    predictions = [entry.prediction for entry in entries if entry.prediction]
    if len(predictions) == len(entries):
        panels.append(panel("latency, predicted", "time", [one.of for one in predictions]))
    names = [entry.title for entry in entries]
    return _stacked_bars(panels, names, "network", PAGE, NAME_WIDTH, PAGE_KINDS)


def cost_by_stage(cost: NetCost) -> alt.FacetChart:
    """Draw a row a stage: its MAdds and parameters by the kind of layer. As wide as a column.

    Of very many stages, neighbours share a row.
    """
    layers = {row.name: row for row in cost.layers}
    stages = {name: [layers[node.name] for node in nodes] for name, nodes in _stages(cost)}
    panels = [
        Panel(title, "count", [_by_kind(rows, count) for rows in stages.values()])
        for title, count in COUNTS
    ]
    return _stacked_bars(panels, list(stages), "stage", COLUMN, STAGE_WIDTH, COLUMN_KINDS)


def _stages(cost: NetCost) -> Iterator[tuple[str, tuple[Node, ...]]]:
    """Yield the layers of each row: of a stage, or of as many as leave `MOST_STAGES` rows."""
    stages = cost.by("stage")
    together = -(-len(stages) // MOST_STAGES)
    for start in range(0, len(stages), together):
        run = stages[start : start + together]
        name = run[0].name if len(run) == 1 else f"{run[0].name} to {run[-1].name}"
        yield name, merge(name, "", run).nodes


def _by_kind(layers: Sequence[Row], count: Count) -> Counter[str]:
    counts: Counter[str] = Counter()
    for row in layers:
        counts[kind(row.nodes[0])] += count(row)
    return counts


def _stacked_bars(
    panels: Sequence[Panel],
    names: Sequence[str],
    what: str,
    width: int,
    most_name: int,
    kinds_a_line: int,
) -> alt.FacetChart:
    """Draw the panels side by side; a row has a name, and a tooltip says `what` it is."""
    shown = [cut(name, most_name) for name in names]
    left = max(map(text_width, shown)) + GAP + 1
    right = max(text_width(panel.total(bar)) for panel in panels for bar in panel.bars) + 2 * GAP
    each = (width - 2 * STYLE.padding - left) // len(panels)
    known = _known(panels)
    parts = [
        {"row": row, "name": names[row], **part}
        for panel in panels
        for row, bar in enumerate(panel.bars)
        for part in _parts(panel, bar, known, each - right)
    ]
    seen = {part["kind"] for part in parts if part["end"] > part["start"]} or {OTHER}
    legend = alt.Legend(
        orient="top", title=None, columns=kinds_a_line, symbolType="square",
        symbolStrokeWidth=0, offset=2, columnPadding=6,
    )  # fmt: skip
    kinds = {name: color for name, color in KINDS.items() if name in seen}
    color = alt.Color("kind:N", scale=colors_of(kinds), legend=legend)
    y_axis = alt.Axis(
        labelExpr=f"{json.dumps(shown)}[datum.value]", labelPadding=GAP, minExtent=left,
        maxExtent=left, ticks=False, domain=False,
    )  # fmt: skip
    column = alt.Column(
        "panel:N",
        title=None,
        sort=[panel.title for panel in panels],
        header=alt.Header(labelAnchor="start", labelPadding=2, labelFontSize=FONT),
    )
    layers = _layers(each - right, y_axis, color, what)
    return alt.FacetChart(
        data=alt.InlineData(values=parts),
        facet=alt.FacetMapping(column=column),
        spec=alt.LayerChart(layer=layers, width=each, height=LINE * len(names)),
        spacing=0,
        bounds="flush",
        config=STYLE,
    )


def _layers(longest: float, y_axis: alt.Axis, color: alt.Color, what: str) -> list[alt.Chart]:
    """Return the bars of a panel, the longest so many pixels, shares in them, and totals after."""
    x_scale = alt.Scale(domain=[0, 1], range=[0, longest])
    y_scale = alt.Scale(paddingInner=1 - BAR / LINE, paddingOuter=(1 - BAR / LINE) / 2)
    rows = alt.Chart().encode(y=alt.Y("row:O", title=None, scale=y_scale, axis=y_axis))
    tooltip = {"name": what, **TOOLTIP}
    is_dark = alt.FieldOneOfPredicate("kind", DARK)

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=x_scale, axis=None)

    return [
        rows.mark_bar(stroke="white", strokeWidth=0.5).encode(
            x=x("start"),
            x2="end:Q",
            color=color,
            tooltip=[alt.Tooltip(f"{field}:N", title=title) for field, title in tooltip.items()],
        ),
        rows.mark_text().encode(
            x=x("middle"),
            text="percent:N",
            color=alt.condition(is_dark, alt.value("white"), alt.value("black")),
        ),
        rows.mark_text(align="left", dx=GAP, color=GRAY_TEXT).encode(x=x("end"), text="total:N"),
    ]


def _known(panels: Sequence[Panel]) -> set[str]:
    """Return the kinds with a colour of their own that some bar has enough of to be seen."""
    return {
        kind
        for panel in panels
        for bar in panel.bars
        for kind, count in bar.items()
        if kind in KINDS and panel.share(bar, count) >= LEAST
    }


def _parts(
    panel: Panel, bar: Counter[str], known: set[str], pixels: float
) -> Iterator[dict[str, Any]]:
    """Yield the parts of a bar in the order of the colours, the last with the total."""
    merged: dict[str, list[str]] = {}
    for one in +bar:
        merged.setdefault(one if one in known else OTHER, []).append(one)
    shown = [one for one in KINDS if one in merged] or [OTHER]
    end, whole = Fraction(0), bar.total()
    for one in shown:
        count = sum(bar[each] for each in merged.get(one, ()))
        start, end = end, end + panel.share(bar, count)
        share = Fraction(count, whole or 1)
        percent = f"{100 * float(share):.0f} %"
        has_room = text_width(percent) + GAP <= pixels * (end - start)
        yield {
            "panel": panel.title,
            "kind": one,
            "start": float(start),
            "middle": float(start + end) / 2,
            "end": float(end),
            "what": ", ".join(merged.get(one, ())),
            "count": show(count, panel.unit, exact=True),
            "share": f"{format_percent(share)} % of {show(whole, panel.unit, exact=True)}",
            "percent": percent if panel.shares and has_room else "",
            "total": panel.total(bar) if one == shown[-1] else "",
        }
