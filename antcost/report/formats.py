"""The formats of a table: text, markdown, LaTeX, CSV, JSON, HTML."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any, Literal, assert_never
from urllib.parse import quote

from antcost.graph.shape import Shape
from antcost.report.table import Cell, Formula, Note, Table, Value
from antcost.report.text import render_text
from antcost.units import Printed, plain_number
from antcost.version import __version__

_LATEX_LINES = 40
_LATEX_LEAST = 8
_LATEX_NOTE_WIDTH = 55
_LATEX_FLOATS = 10
Format = Literal["text", "markdown", "latex", "csv", "json", "html"]


def render(
    table: Table[Any],
    output_format: Format,
    *,
    exact: bool = False,
    width: int | None = None,
    styled: bool = False,
) -> str:
    """The table in one format. `width` and `styled` are for text on a terminal only.

    Bars are left out where there are no characters to draw them.
    """
    if output_format in ("latex", "csv"):
        columns = [column for column in table.columns if column.unit != "bar"]
        table = replace(table, columns=columns)
    match output_format:
        case "text":
            return render_text(table, exact=exact, width=width, styled=styled)
        case "markdown":
            return _markdown(table, exact)
        case "latex":
            return _latex(table, exact)
        case "csv":
            return _csv(table)
        case "json":
            return json.dumps({"antcost": __version__, **table.data()}, indent=2)
        case "html":
            return _html(table, exact)
        case _:
            assert_never(output_format)


def _note(note: Note, escaped: Callable[[Cell], str]) -> str:
    return "".join(map(escaped, [note] if isinstance(note, str) else note))


_MARKDOWN_SPECIAL = re.compile(r"([\\`*|<>&$\[\]~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")


def _escape_markdown(cell: Cell) -> str:
    if isinstance(cell, Formula):
        return f"${cell.latex}$"
    return _MARKDOWN_SPECIAL.sub(r"\\\1", cell)


def _markdown(table: Table[Any], exact: bool) -> str:
    body = _tabulate(table, exact, "github", _escape_markdown, "**{}**")
    notes = "\n\n".join(_note(note, _escape_markdown) for note in table.notes)
    figure = f"![{_escape_markdown(table.title)}]({quote(table.figure)})" if table.figure else ""
    parts = (f"**{_escape_markdown(table.title)}**", figure, body, notes)
    return "\n\n".join(filter(None, parts))


def _escape_html(cell: Cell) -> str:
    from html import escape

    text = escape(str(cell))
    if isinstance(cell, Formula):
        text = re.sub(r"_(\w+)", r"<sub>\1</sub>", text).replace("*", "\N{MIDDLE DOT}")
        text = re.sub(r"\^(\d+)", r"<sup>\1</sup>", text)
    return text


def _html(table: Table[Any], exact: bool) -> str:
    """A fragment in plain ASCII, so it survives any page it is pasted into."""
    body = _tabulate(table, exact, "unsafehtml", _escape_html, "<b>{}</b>")
    notes = "<br>\n".join(_note(note, _escape_html) for note in table.notes)
    fragment = f"<p><b>{_escape_html(table.title)}</b></p>\n{body}\n<p><small>{notes}</small></p>"
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


def _escape_latex(cell: Cell) -> str:
    from tabulate import LATEX_ESCAPE_RULES

    if isinstance(cell, Formula):
        return f"${cell.latex}$"

    # In LaTeX's first font encoding | is another character, and the \\ that ends a row would take
    # a [ or * of the next one as its argument.
    rules = {**LATEX_ESCAPE_RULES, "|": r"\textbar{}", "[": "{[}", "*": "{*}"}
    # LaTeX knows the letters of Latin-1 without a package; others are named by their code point.
    escaped = "".join(
        rules.get(char, char if ord(char) <= 0xFF else f"U+{ord(char):04X}") for char in cell
    )
    return re.sub(r"^-(?=\d)", "$-$", escaped)


def _latex(table: Table[Any], exact: bool) -> str:
    """Table environments that need no package but booktabs, each short enough for a page."""

    def line(cells: Iterable[Cell]) -> str:
        return rf"{' & '.join(map(_escape_latex, cells))} \\"

    body = [line(row) for row in table.cells(exact)]
    if table.total is not None:
        body[-1] = f"\\midrule\n{body[-1]}"
    note_lines = sum(1 + len(note) // _LATEX_NOTE_WIDTH for note in table.notes)
    rows = max(_LATEX_LEAST, _LATEX_LINES - note_lines)
    pages = [body[i : i + rows] for i in range(0, len(body), rows)] or [[]]
    title = _escape_latex(table.title)
    lines = [r"% \usepackage{booktabs}"]
    for number, page in enumerate(pages):
        notes = table.notes if number == len(pages) - 1 else ()
        if number and number % _LATEX_FLOATS == 0:
            lines.append(r"\clearpage % LaTeX holds a limited number of tables back")
        lines += [
            r"\begin{table}",
            r"\centering",
            *([r"\addtocounter{table}{-1}"] if number else []),
            rf"\caption{{{title}{' (continued)' if number else ''}}}",
            r"\smallskip",
            rf"\begin{{tabular}}{{{''.join(side[0] for side in table.alignment)}}}",
            r"\toprule",
            line(column.header for column in table.columns),
            r"\midrule",
            *page,
            r"\bottomrule",
            r"\end{tabular}",
            *(rf"\par\smallskip{{\footnotesize {_note(note, _escape_latex)}}}" for note in notes),
            r"\end{table}",
        ]
    return "\n".join(lines)


def _csv(table: Table[Any]) -> str:
    """Raw values: every digit of a count, ratios as decimals, shapes as in 3x224x224."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.key for column in table.columns])
    for row in table.values():
        writer.writerow(map(_plain, row))
    return text.getvalue().rstrip("\n")


def _plain(value: Value) -> str | int | float | None:
    match value:
        case Fraction():
            return float(value)
        case Printed():
            return plain_number(value.value)
        case Shape():
            return str(value)
        case Formula():
            return value.plain
        case _:
            return value
