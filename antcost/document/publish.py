"""A report as files in a folder, all of them or none."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from antcost.charts.files import draw
from antcost.document.contents import Figure, Report
from antcost.document.page import page
from antcost.document.writing import latex, markdown, numbers, table_latex
from antcost.errors import AntcostError, suggest
from antcost.files import staged, write_whole
from antcost.tables.formats import render

FORMATS = ("md", "html", "tex", "csv", "svg", "pdf", "png", "json")
DRAWN = ("svg", "pdf", "png")
Step = tuple[str, Callable[[Path], None]]
"""The path of a file within the folder, and the function that writes it."""


def read_formats(text: str | None) -> tuple[str, ...]:
    """Return the formats of "md,tex", all of them for None.

    Raises AntcostError for an unknown format, or if what all need is not installed.
    """
    if any(find_spec(name) is None for name in ("altair", "jinja2", "vl_convert")):
        raise AntcostError(
            "reports need Altair, Jinja2 and vl-convert: pip install 'antcost[report]'"
        )
    chosen = FORMATS if text is None else tuple(part.strip() for part in text.split(","))
    for name in chosen:
        if name not in FORMATS:
            raise AntcostError(f"--format: no format {name!r}; {suggest(name, FORMATS)}")
    return chosen


def require_folder(folder: Path) -> None:
    """Raise AntcostError, before any work, if nothing could be written into the folder."""
    with staged(folder):
        if folder.is_file():
            raise AntcostError(f"{folder}: cannot be written: is a file")


def publish(steps: Sequence[Step], folder: Path, advance: Callable[[str], None]) -> None:
    """Write files into the folder, where nothing changes until all of them are written.

    Raises AntcostError if one cannot be written.
    """
    with staged(folder) as stage:
        for path, write in steps:
            target = stage / path
            target.parent.mkdir(exist_ok=True)
            write(target)
            advance(path)


def publishing_steps(report: Report, formats: Sequence[str]) -> list[Step]:
    """Return the files of a report in these formats; those that link to others come last."""
    drawings = [
        (suffix, f"figures/{figure.key}.{suffix}", partial(_draw, figure))
        for figure in report.figures
        for suffix in DRAWN
    ]
    texts: list[tuple[str, str, Callable[[], str]]] = [
        *(("tex", f"tables/{item.key}.tex", partial(table_latex, item)) for item in report.tables),
        *(
            ("csv", f"tables/{item.key}.csv", partial(render, item.table, "csv"))
            for item in report.tables
        ),
        ("tex", "references.bib", lambda: report.bibliography),
        ("tex", "report.tex", lambda: latex(report, formats)),
        ("md", "report.md", lambda: markdown(report, formats)),
        ("html", "report.html", lambda: page(report)),
        ("json", "report.json", lambda: numbers(report)),
    ]
    every = [*drawings, *((suffix, path, partial(_write, text)) for suffix, path, text in texts)]
    return [(path, write) for suffix, path, write in every if suffix in formats]


def _draw(figure: Figure, path: Path) -> None:
    draw(figure.chart, path)


def _write(text: Callable[[], str], path: Path) -> None:
    write_whole(path, f"{text().rstrip()}\n")
