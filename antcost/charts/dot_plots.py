"""Networks in a figure: a row each, with its parameters, MAdds and published top-1 side by side."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from antcost.charts.style import BLUE, RULE, STYLE, chart_of
from antcost.errors import AntcostError
from antcost.views.comparison import ComparedNetwork

ROW = 11
PANEL = 105


def dot_plots(entries: Sequence[ComparedNetwork]) -> alt.HConcatChart:
    """Draw the networks with a published top-1, the best one on top; counts are on log scales.

    Raises AntcostError if there is none.
    """
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
    marks = chart_of(rows).mark_circle(size=28, color=BLUE, opacity=1)

    def panel(field: str, title: str, scale: alt.Scale, form: str, labels: bool) -> Any:
        y_axis = alt.Axis(labels=labels, ticks=False, domain=False, grid=True, gridColor=RULE)
        x_axis = alt.Axis(format=form, tickCount=3)
        return marks.encode(
            x=alt.X(f"{field}:Q", title=title, scale=scale, axis=x_axis),
            y=alt.Y("network:N", sort=names, title=None, axis=y_axis),
        ).properties(width=PANEL, height=ROW * len(names))

    log, linear = alt.Scale(type="log", nice=True), alt.Scale(zero=False, nice=True)
    return alt.HConcatChart(
        hconcat=[
            panel("top1", "top-1, published (%)", linear, "d", True),
            panel("params", "parameters", log, "~s", False),
            panel("madds", "multiply-adds", log, "~s", False),
        ],
        spacing=14,
        config=STYLE,
    )
