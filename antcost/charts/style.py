"""How all figures look: their widths, colours and fonts."""

from collections.abc import Iterable, Mapping
from typing import Any

import altair as alt

from antcost.charts.placement import FONT

COLUMN, PAGE = 236, 494
"""Points (1/72 inch) that fit a column and a page of a two-column paper.

A pixel of a chart is a point in its PDF.
"""

BLUE, ORANGE, GRAY, GRAY_TEXT, RULE = "#0072b2", "#d55e00", "#999999", "#666666", "#e5e5e5"
OTHER = "other"
KINDS = {
    "pointwise conv": BLUE,
    "depthwise conv": ORANGE,
    "grouped conv": "#8ccbf0",
    "conv": "#333333",
    "transposed conv": "#009e73",
    "linear": "#cc79a7",
    "batch norm": "#f0e442",
    OTHER: "#ececec",
}
"""The colours of kinds of layers, of Okabe and Ito (2008) as far as they are colours.

They are distinct to the colour-blind, too, and as far apart as seven greys can be when printed so.
"""

STYLE = alt.Config(
    font="Helvetica, Arial, sans-serif",
    padding=2,
    view=alt.ViewConfig(stroke=None),
    axis=alt.AxisConfig(
        labelFontSize=FONT, titleFontSize=FONT, titleFontWeight="normal", labelLimit=220, grid=False
    ),
    axisQuantitative=alt.AxisConfig(labelOverlap="greedy", labelSeparation=6),
    legend=alt.LegendConfig(
        labelFontSize=FONT, titleFontSize=FONT, titleFontWeight="normal", labelLimit=300,
        symbolOpacity=1, symbolSize=50,
    ),
    title=alt.TitleConfig(fontSize=FONT, fontWeight="normal", color=GRAY_TEXT),
    text=alt.MarkConfig(fontSize=FONT),
)  # fmt: skip
"""The configuration of every figure."""


def chart_of(rows: Iterable[Mapping[str, Any]]) -> alt.Chart:
    """Return a chart whose data are these rows, one object each."""
    return alt.Chart(alt.InlineData(values=list(rows)))


def colors_of(domain: Mapping[str, str]) -> alt.Scale:
    """Return a scale of these names and their colours."""
    return alt.Scale(domain=list(domain), range=list(domain.values()))
