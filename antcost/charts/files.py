"""Figures as files, written by vl-convert."""

from __future__ import annotations

from importlib.util import find_spec
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING

from antcost.errors import AntcostError
from antcost.files import write_whole

if TYPE_CHECKING:
    import altair as alt

SUFFIXES = (".svg", ".pdf", ".png")
PNG_DPI = 200


def check_figure(path: Path) -> None:
    """Raise AntcostError, before any work, if a figure could not be written there."""
    if path.suffix not in SUFFIXES:
        raise AntcostError(f"{path}: a figure ends in {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise AntcostError(f"{path}: cannot be written: no such folder")
    if find_spec("altair") is None or find_spec("vl_convert") is None:
        raise AntcostError("figures need Altair and vl-convert: pip install 'antcost[report]'")


def linked(figure: Path, document: Path | None) -> str:
    """Return how a document in this file, or in the working directory, calls the figure."""
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
