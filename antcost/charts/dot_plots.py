"""Networks in a figure: a row each, with its parameters, MAdds and published top-1 side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from antcost.charts.style import BLUE, RULE, style, values
from antcost.errors import AntcostError
from antcost.views.comparison import Entry

if TYPE_CHECKING:
    import altair as alt

ROW = 11
PANEL = 105


def dot_plots(entries: Sequence[Entry]) -> alt.HConcatChart:
    """The networks with a published top-1, the best one on top; counts are on log scales.

    Raises AntcostError if there is none.
    """
    import altair as alt

    rows = [
        {
            "network": entry.title,
            "params": entry.cost.params,
            "madds": entry.cost.madds,
            "top1": entry.published("top1"),
        }
        for entry in entries
        if entry.published("top1") is not None
    ]
    if not rows:
        raise AntcostError("no network has a published top-1 to draw")
    rows.sort(key=lambda row: row["top1"], reverse=True)
    names = list(dict.fromkeys(row["network"] for row in rows))
    data = values(rows)

    def dots_of(field: str, title: str, scale: alt.Scale, form: str, labels: bool) -> alt.Chart:
        y = alt.Y(
            "network:N",
            sort=names,
            title=None,
            axis=alt.Axis(labels=labels, ticks=False, domain=False, grid=True, gridColor=RULE),
        )
        axis = alt.Axis(format=form, tickCount=3, labelOverlap="greedy", labelSeparation=6)
        x = alt.X(f"{field}:Q", title=title, scale=scale, axis=axis)
        dots = alt.Chart(data).mark_circle(size=28, color=BLUE, opacity=1).encode(x=x, y=y)
        panel: alt.Chart = dots.properties(width=PANEL, height=ROW * len(names))
        return panel

    log, linear = alt.Scale(type="log", nice=True), alt.Scale(zero=False, nice=True)
    chart: alt.HConcatChart = alt.hconcat(
        dots_of("top1", "top-1, published (%)", linear, "d", True),
        dots_of("params", "parameters", log, "~s", False),
        dots_of("madds", "multiply-adds", log, "~s", False),
        spacing=14,
    ).configure(**style())
    return chart
