"""The formats of a table: text, markdown, LaTeX, CSV, JSON, HTML."""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, assert_never
from urllib.parse import quote

from antcost.graph.shape import Shape
from antcost.tables.latex import latex
from antcost.tables.table import Cell, Formula, Interval, Note, Table, Value, plain_value
from antcost.tables.text import render_text
from antcost.version import __version__

Format = Literal["text", "markdown", "latex", "csv", "json", "html"]


def render(
    table: Table[Any],
    output_format: Format,
    *,
    exact: bool = False,
    width: int | None = None,
    styled: bool = False,
) -> str:
    """Render the table in one format. `width` and `styled` are for text on a terminal only."""
    match output_format:
        case "text":
            return render_text(table, exact=exact, width=width, styled=styled)
        case "markdown":
            return _markdown(table, exact)
        case "latex":
            return latex(table, exact)
        case "csv":
            return _csv(table)
        case "json":
            return to_json(table.plain())
        case "html":
            return _html(table, exact)
        case _:
            assert_never(output_format)


def to_json(data: Mapping[str, Any]) -> str:
    """Return the plain data of tables as JSON, with the version that made it."""
    return json.dumps({"antcost": __version__, **data}, indent=2, default=plain_value)


def _note(note: Note, escaped: Callable[[Cell], str]) -> str:
    return "".join(map(escaped, [note] if isinstance(note, str) else note))


_MARKDOWN_SPECIAL = re.compile(r"([\\`*|<>&$\[\]~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")


def escape_markdown(cell: Cell) -> str:
    """Escape a cell for markdown."""
    if isinstance(cell, Formula):
        return f"${cell.latex}$"
    return _MARKDOWN_SPECIAL.sub(r"\\\1", cell)


_BLOCK_START = re.compile(r"^(\s*[0-9]*)([-+#.)])")


def as_paragraph(markdown: str) -> str:
    """Escape what would make a paragraph a heading or an item of a list."""
    return _BLOCK_START.sub(r"\1\\\2", markdown)


def _markdown(table: Table[Any], exact: bool) -> str:
    body = _tabulate(table, exact, "github", escape_markdown, "**{}**")
    notes = "\n\n".join(as_paragraph(_note(note, escape_markdown)) for note in table.notes)
    figure = f"![{escape_markdown(table.title)}]({quote(table.figure)})" if table.figure else ""
    if table.folded:
        head = f"<details>\n<summary>{escape_html(table.title)}</summary>"
        return "\n\n".join(filter(None, (head, figure, body, notes, "</details>")))
    parts = (f"**{escape_markdown(table.title)}**", figure, body, notes)
    return "\n\n".join(filter(None, parts))


def escape_html(cell: Cell) -> str:
    """Escape a cell for HTML: only indices and powers of a formula become markup."""
    from html import escape

    text = escape(str(cell))
    if isinstance(cell, Formula):
        text = re.sub(r"_(\w+)", r"<sub>\1</sub>", text).replace("*", "\N{MIDDLE DOT}")
        text = re.sub(r"\^(\d+)", r"<sup>\1</sup>", text)
    return text


def _html(table: Table[Any], exact: bool) -> str:
    """Return a fragment in plain ASCII, so it survives any page it is pasted into."""
    body = _tabulate(table, exact, "unsafehtml", escape_html, "<b>{}</b>")
    notes = "<br>\n".join(_note(note, escape_html) for note in table.notes)
    fragment = f"<p><b>{escape_html(table.title)}</b></p>\n{body}\n<p><small>{notes}</small></p>"
    return fragment.encode("ascii", "xmlcharrefreplace").decode()


def _tabulate(
    table: Table[Any], exact: bool, style: str, escaped: Callable[[Cell], str], strong: str
) -> str:
    """Escape every cell, make the total stand out, and leave the layout to tabulate."""
    from tabulate import tabulate

    cells = table.cells(exact)
    rows = [[escaped(cell) for cell in row] for row in cells]
    if table.total is not None:
        rows[-1] = [
            strong.format(text) if text and isinstance(cell, str) else text
            for text, cell in zip(rows[-1], cells[-1], strict=True)
        ]
    return tabulate(
        rows,
        headers=[escaped(column.header) for column in table.columns],
        tablefmt=style,
        colalign=table.alignment,
        disable_numparse=True,
    )


def _csv(table: Table[Any]) -> str:
    """Write raw values: every digit of a count, ratios as decimals, shapes as in 3x224x224."""
    table = replace(table, columns=[column for column in table.columns if column.unit != "bar"])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.key for column in table.columns])
    for row in table.values():
        writer.writerow(map(_csv_cell, row))
    return text.getvalue().rstrip("\n")


def _csv_cell(value: Value) -> str | int | float | None:
    match value:
        case Shape():
            return str(value)
        case Formula():
            return value.plain
        case Interval():
            return value.value
        case _:
            cell: str | int | float | None = plain_value(value)
            return cell
