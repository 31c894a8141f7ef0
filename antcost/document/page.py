"""A report as one HTML page, which needs no other file and no network."""

import gzip
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from itertools import groupby, repeat, zip_longest
from typing import Any

from antcost.document.contents import Exhibit, Figure, Item, Report
from antcost.document.writing import table_latex
from antcost.graph.shape import Shape
from antcost.tables.formats import escape_html, render
from antcost.tables.table import Cell, Formula, Interval, Value, show
from antcost.units import Printed
from antcost.version import __version__


@dataclass(frozen=True, slots=True)
class Shown:
    """A cell: as it is printed, with all its digits where those are more, and its place by value.

    `rank` counts from 0 for the least value of the column; None for an empty cell.
    """

    cell: Cell
    exact: str | None
    rank: int | None


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a table, each with the key of the section it is about, and the total."""

    body: list[tuple[str | None, list[Shown]]]
    total: list[Shown] | None


def page(report: Report) -> str:
    """The report as one HTML page, which asks for nothing but itself.

    Its Content-Security-Policy allows its own two scripts, by their hashes, and no request.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup
    from vl_convert import javascript_bundle

    environment = Environment(
        loader=PackageLoader("antcost.document"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    scripts = [javascript_bundle("window.vegaEmbed = vegaEmbed;"), _file("page.js")]
    return environment.get_template("page.html").render(
        report=report,
        version=__version__,
        style=Markup(_file("page.css")),
        scripts=list(map(Markup, scripts)),
        hashes=" ".join(map(_hash, scripts)),
        grouped=_grouped,
        packed=_packed,
        zip=zip,
        rows=_rows,
        copies=_copies,
        markup=lambda cell: Markup(escape_html(cell)),
    )


def _file(name: str) -> str:
    return files("antcost.document").joinpath("templates", name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """How a Content-Security-Policy names an inline script."""
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"


def _packed(data: Mapping[str, Any]) -> str:
    """As gzipped JSON in base64: a page holds figures and tables of many thousand layers."""
    text = json.dumps(data, separators=(",", ":")).encode()
    return b64encode(gzip.compress(text, mtime=0)).decode()


def _grouped(items: Iterable[Item]) -> Iterator[tuple[str, Any]]:
    """Items and what they are; figures in a row that differ in their axes are one choice."""
    for chosen, run in groupby(items, lambda item: isinstance(item, Figure) and bool(item.axes)):
        if chosen:
            yield "choice", list(run)
        else:
            yield from ((type(item).__name__, item) for item in run)


def _copies(exhibit: Exhibit) -> dict[str, str]:
    """The table as it is copied."""
    return {
        "LaTeX": table_latex(exhibit),
        "Markdown": render(exhibit.table, "markdown", exact=exhibit.exact),
        "CSV": render(exhibit.table, "csv"),
    }


def _rows(exhibit: Exhibit) -> Rows:
    """The rows of a table as the template reads them."""
    table = exhibit.table
    values = table.values()
    total = values.pop() if table.total is not None else None
    ranks = zip(*map(_ranks, zip(*values, strict=True)), strict=True)
    return Rows(
        [
            (about, _shown(exhibit, row, places))
            for about, row, places in zip_longest(exhibit.about, values, ranks)
        ],
        None if total is None else _shown(exhibit, total, repeat(None)),
    )


def _shown(exhibit: Exhibit, row: Iterable[Value], ranks: Iterable[int | None]) -> list[Shown]:
    shown = []
    for column, value, rank in zip(exhibit.table.columns, row, ranks, strict=False):
        cell = show(value, column.unit, exhibit.exact)
        exact = show(value, column.unit, exact=True)
        shown.append(Shown(cell, None if exact == cell else str(exact), rank))
    return shown


def _ranks(values: Iterable[Value]) -> list[int | None]:
    """The place of each value in its column; equal values have the same."""
    keys = [None if value is None else _order(value) for value in values]
    places = {
        key: place for place, key in enumerate(sorted({key for key in keys if key is not None}))
    }
    return [None if key is None else places[key] for key in keys]


def _order(value: Value) -> tuple[bool, Any]:
    """What a value is sorted by: numbers first, and in texts, "9" before "10"."""
    match value:
        case Printed():
            return False, value.value
        case Shape():
            return False, value.numel
        case Interval():
            return False, value.value
        case str() | Formula():
            parts = re.split("([0-9]+)", str(value).casefold())
            return True, tuple(int(p) if i % 2 else p for i, p in enumerate(parts))
        case _:
            return False, value
