"""The waterfalls of `antcost check` as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from antcost.charts.style import BLUE, GRAY, ORANGE, style, values
from antcost.check.bridge import by_network, steps
from antcost.check.comparison import Check
from antcost.units import format_exact

if TYPE_CHECKING:
    import altair as alt

WIDTH = 330
ROW, BETWEEN = 12, 6
LABEL_ROOM = 0.35


def waterfalls(checks: Sequence[Check]) -> alt.VConcatChart:
    """A panel a network and tool: what leads from our multiply-adds to the tool's number."""
    import altair as alt

    networks = [
        alt.vconcat(*(_panel(check) for check in group if check.whole), spacing=BETWEEN).properties(
            title=alt.Title(group[0].cost.graph.name, fontSize=11, anchor="start")
        )
        for group in by_network(checks)
    ]
    chart: alt.VConcatChart = alt.vconcat(*networks, spacing=24).configure(**style())
    return chart


def _panel(check: Check) -> alt.LayerChart:
    """One waterfall. Its axis starts at our multiply-adds, where the gray line is."""
    import altair as alt

    assert check.whole
    ours, *others = steps(check)
    rows: list[dict[str, Any]] = [
        {"term": f"{ours.term} (ours)", "right": 0, "text": format_exact(ours.count)},
        *(
            {
                "term": step.term,
                "from": step.start,
                "to": step.end,
                "right": max(step.start, step.end),
                "text": f"{step.count:+,}",
                "color": BLUE if step.count > 0 else ORANGE,
            }
            for step in others
        ),
    ]
    low, high = others[0].low if others else 0, others[0].high if others else 0
    base = alt.Chart(values(rows)).encode(
        y=alt.Y(
            "term:N",
            sort=[row["term"] for row in rows],
            title=None,
            axis=alt.Axis(ticks=False, domain=False),
        )
    )
    x = alt.X(
        "from:Q",
        title=None,
        scale=alt.Scale(domain=[low, high + ((high - low) or 1) * LABEL_ROOM]),
        axis=alt.Axis(format="+.3~s", tickCount=4, labels=bool(others), ticks=bool(others)),
    )
    bars = base.mark_bar(height=9).encode(x=x, x2="to:Q", color=alt.Color("color:N", scale=None))
    texts = base.mark_text(align="left", dx=4, fontSize=8).encode(x="right:Q", text="text:N")
    zero = alt.Chart(values([{"x": 0}])).mark_rule(color=GRAY).encode(x="x:Q")
    chart: alt.LayerChart = (zero + bars + texts).properties(
        width=WIDTH,
        height=ROW * len(rows),
        title=alt.Title(
            f"{check.tool.name} {check.version}: {format_exact(check.whole.reported)}",
            fontSize=9,
            anchor="start",
            frame="group",
        ),
    )
    return chart
