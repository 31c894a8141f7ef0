"""A report as files in a folder, all of them or none."""

from collections.abc import Callable, Iterator, Sequence
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
"""What is written, and how, given its path."""


def read_formats(text: str | None) -> tuple[str, ...]:
    """The formats of "md,tex", all of them for None.

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


def publish(
    report: Report, folder: Path, formats: Sequence[str], advance: Callable[[str], None]
) -> None:
    """Write the report into the folder, where nothing changes until everything is written.

    Raises AntcostError if it cannot be written.
    """
    with staged(folder) as stage:
        for path, write in steps(report, formats):
            target = stage / path
            target.parent.mkdir(exist_ok=True)
            write(target)
            advance(path)


def steps(report: Report, formats: Sequence[str]) -> list[Step]:
    """The files of a report, each with the function that writes it."""
    return [*_figures(report, formats), *_tables(report, formats), *_texts(report, formats)]


def _figures(report: Report, formats: Sequence[str]) -> Iterator[Step]:
    for figure in report.figures:
        for suffix in DRAWN:
            if suffix in formats:
                yield f"figures/{figure.key}.{suffix}", partial(_draw, figure)


def _draw(figure: Figure, path: Path) -> None:
    draw(figure.draw(), path)


def _tables(report: Report, formats: Sequence[str]) -> Iterator[Step]:
    for exhibit in report.exhibits:
        if "tex" in formats:
            yield f"tables/{exhibit.key}.tex", _writes(partial(table_latex, exhibit))
        if "csv" in formats:
            yield f"tables/{exhibit.key}.csv", _writes(partial(render, exhibit.table, "csv"))


def _texts(report: Report, formats: Sequence[str]) -> Iterator[Step]:
    """Last, as they are about the other files."""
    texts: list[tuple[str, str, Callable[[], str]]] = [
        ("tex", "references.bib", lambda: report.bibliography),
        ("tex", "report.tex", lambda: latex(report, formats)),
        ("md", "report.md", lambda: markdown(report, formats)),
        ("html", "report.html", lambda: page(report)),
        ("json", "report.json", lambda: numbers(report)),
    ]
    for name, path, text in texts:
        if name in formats:
            yield path, _writes(text)


def _writes(text: Callable[[], str]) -> Callable[[Path], None]:
    return lambda path: write_whole(path, f"{text().rstrip()}\n")
