"""Figures: how all of them look, and Altair charts as files, written by vl-convert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from antcost.errors import AntcostError
from antcost.report.files import write_whole
from antcost.report.placement import FONT

if TYPE_CHECKING:
    import altair as alt

SUFFIXES = (".svg", ".pdf", ".png")
PNG_DPI = 200
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


def check_figure(path: Path) -> None:
    """Raise AntcostError, before any work, if a figure could not be written there."""
    if path.suffix not in SUFFIXES:
        raise AntcostError(f"{path}: a figure ends in {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise AntcostError(f"{path}: cannot be written: no such folder")
    if find_spec("altair") is None or find_spec("vl_convert") is None:
        raise AntcostError("figures need Altair and vl-convert: pip install 'antcost[report]'")


def linked(figure: Path, document: Path | None) -> str:
    """How a document in this file, or in the working directory, calls the figure."""
    folder = document.parent if document is not None else Path()
    return Path(relpath(figure, folder)).as_posix()


def draw(chart: alt.TopLevelMixin, path: Path) -> None:
    """Write the chart as SVG, PDF or PNG, whole or not at all. Raises AntcostError if it cannot."""
    import vl_convert

    spec = chart.to_dict()
    match path.suffix:
        case ".svg":
            write_whole(path, vl_convert.vegalite_to_svg(spec))
        case ".pdf":
            write_whole(path, vl_convert.vegalite_to_pdf(spec))
        case _:
            write_whole(path, vl_convert.vegalite_to_png(spec, ppi=PNG_DPI))
