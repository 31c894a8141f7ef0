"""Where the cost goes, as figures: by the kind of layer, for networks and for stages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from antcost.charts.stacked_bars import Bar, Panel, stacked_bars
from antcost.charts.style import COLUMN, PAGE
from antcost.cost.analysis import NetCost, Row, merge
from antcost.graph.graph import Node
from antcost.graph.operators import kind
from antcost.tables.table import Unit
from antcost.views.comparison import Entry

if TYPE_CHECKING:
    import altair as alt

NAME_WIDTH, STAGE_WIDTH = 140, 60
"""Pixels that the names of networks and of stages may take."""
MOST_STAGES = 45
Count = Callable[[Row], int]
COUNTS: tuple[tuple[str, Count], ...] = (
    ("multiply-adds", lambda row: row.madds),
    ("parameters", lambda row: row.params),
)


def cost_by_kind(entries: Sequence[Entry]) -> alt.LayerChart:
    """A row a network: the kinds of layers that its MAdds and parameters are in, as shares.

    If all have predictions there is a third panel, of latency. As wide as a page of two columns.
    """

    def panel(title: str, unit: Unit, counts: Sequence[Count]) -> Panel:
        bars = [
            Bar(entry.title, _by_kind(entry.cost.layers, count))
            for entry, count in zip(entries, counts, strict=True)
        ]
        return Panel(title, unit, bars, shares=True)

    panels = [panel(title, "count", [count] * len(entries)) for title, count in COUNTS]
    predictions = [entry.prediction for entry in entries if entry.prediction]
    if len(predictions) == len(entries):
        panels.append(panel("latency, predicted", "time", [one.of for one in predictions]))
    return stacked_bars(panels, "network", PAGE, NAME_WIDTH)


def cost_by_stage(cost: NetCost) -> alt.LayerChart:
    """A row a stage: its MAdds and parameters by the kind of layer. As wide as a column.

    Of very many stages, neighbours share a row.
    """
    layers = {row.name: row for row in cost.layers}
    stages = [
        (name, [layers[node.name] for node in nodes]) for name, nodes in _stages(cost.by("stage"))
    ]
    panels = [
        Panel(title, "count", [Bar(name, _by_kind(rows, count)) for name, rows in stages])
        for title, count in COUNTS
    ]
    return stacked_bars(panels, "stage", COLUMN, STAGE_WIDTH)


def _stages(stages: Sequence[Row]) -> Iterator[tuple[str, tuple[Node, ...]]]:
    """The layers of each row: of a stage, or of as many as leave `MOST_STAGES` rows."""
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
