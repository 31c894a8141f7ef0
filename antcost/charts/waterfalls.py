"""The waterfalls of `antcost check` as a figure."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from antcost.charts.style import BLUE, GRAY, ORANGE, STYLE, chart_of
from antcost.check.bridge import by_network, steps
from antcost.check.comparison import Check
from antcost.units import format_exact

WIDTH = 330
ROW, BETWEEN = 12, 6
LABEL_ROOM = 0.35


def waterfalls(checks: Sequence[Check]) -> alt.VConcatChart:
    """Draw a panel a network and tool: what leads from our multiply-adds to the tool's number."""
    networks = [
        alt.VConcatChart(
            vconcat=[_panel(check) for check in group if check.whole],
            spacing=BETWEEN,
            title=_heading(group[0].cost.graph.name, 11),
        )
        for group in by_network(checks)
    ]
    return alt.VConcatChart(vconcat=networks, spacing=24, config=STYLE)


def _heading(text: str, font: int) -> alt.Title:
    return alt.Title(
        text, fontSize=font, fontWeight="bold", color="black", anchor="start", frame="group"
    )


def _panel(check: Check) -> alt.LayerChart:
    """Draw one waterfall. Its axis starts at our multiply-adds, where the gray line is."""
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
    y_axis = alt.Axis(ticks=False, domain=False)
    terms = [row["term"] for row in rows]
    base = chart_of(rows).encode(y=alt.Y("term:N", sort=terms, title=None, axis=y_axis))
    x = alt.X(
        "from:Q",
        title=None,
        scale=alt.Scale(domain=[low, high + ((high - low) or 1) * LABEL_ROOM]),
        axis=alt.Axis(format="+.3~s", tickCount=4, labels=bool(others), ticks=bool(others)),
    )
    bars = base.mark_bar(height=9).encode(x=x, x2="to:Q", color=alt.Color("color:N", scale=None))
    texts = base.mark_text(align="left", dx=4).encode(x="right:Q", text="text:N")
    zero = chart_of([{"x": 0}]).mark_rule(color=GRAY).encode(x="x:Q")
    reported = format_exact(check.whole.reported)
    return alt.LayerChart(
        layer=[zero, bars, texts],
        width=WIDTH,
        height=ROW * len(rows),
        title=_heading(f"{check.tool.name} {check.version}: {reported}", 9),
    )
