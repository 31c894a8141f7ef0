"""How all figures look: their widths, colours and letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from antcost.charts.placement import FONT

if TYPE_CHECKING:
    import altair as alt

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


def style() -> dict[str, Any]:
    """What `configure` of every chart takes: its fonts, and axes without a grid."""
    import altair as alt

    return {
        "font": "Helvetica, Arial, sans-serif",
        "view": alt.ViewConfig(stroke=None),
        "axis": alt.AxisConfig(
            labelFontSize=FONT, titleFontSize=FONT, titleFontWeight="normal", labelLimit=220,
            grid=False,
        ),
    }  # fmt: skip


def values(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    """The rows as the data of a chart, one object each."""
    import altair as alt

    return alt.InlineData(values=list(rows))


def small(text: str) -> alt.TitleParams:
    """A title in the size of the labels."""
    import altair as alt

    return alt.TitleParams(text, fontSize=FONT, fontWeight="normal", color=GRAY_TEXT)
