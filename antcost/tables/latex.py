"""A table in LaTeX with booktabs; a wide one has a smaller font, and graphicx shrinks the rest."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from math import ceil
from textwrap import wrap
from typing import Any

from antcost.tables.latex_text import escape
from antcost.tables.table import Cell, Formula, Note, Table

_SMALL = r"\footnotesize\setlength{\tabcolsep}{3pt}"
_PLACES = (
    (44, 40, "table", r"\normalsize"),
    (55, 50, "table", _SMALL),
    (66, 40, "table*", r"\normalsize"),
    (90, 50, "table*", _SMALL),
)
"""Characters of a line and lines of a page that there is room for, by environment and font."""
_ROOM = 90
"""The characters of the longest of these lines."""
_SHRUNK = 130
"""Characters of a line that TeX may shrink to that; in longer ones, texts are wrapped."""
_LONG = 20
"""Longer texts are wrapped, to no fewer characters than this."""
_NOTE = 60
"""Characters of a line of a note."""


@dataclass(frozen=True, slots=True)
class _Column:
    """A column, and how many characters it is wide."""

    header: str
    cells: Sequence[Cell]
    side: str
    width: int
    wrapped: bool = False

    def text(self, cell: Cell) -> str:
        """Return a cell as LaTeX."""
        text = escape(cell, breakable=self.wrapped)
        return rf"\raggedright {text}" if self.wrapped and text else text

    def lines(self, cell: Cell) -> int:
        """Return about how many lines a cell has."""
        return ceil(1.2 * len(str(cell)) / self.width) if self.wrapped else 1


def latex(table: Table[Any], exact: bool, label: str | None = None) -> str:
    r"""Return table environments, each short enough for a page; \ref{label} is their number."""
    columns = _columns(table, exact)
    width = _width(columns)
    _, page, environment, font = next((p for p in _PLACES if width <= p[0]), _PLACES[-1])
    if width > _SHRUNK:
        columns = _with_wrapped_texts(columns)
    title = escape(table.title, breakable=True)
    text = [r"% \usepackage{booktabs,graphicx}"]
    for number, content in enumerate(_contents(table, columns, page)):
        text += [
            rf"\begin{{{environment}}}",
            r"\centering",
            *([r"\addtocounter{table}{-1}"] if number else []),
            rf"\caption{{{title}{' (continued)' if number else ''}}}",
            *([rf"\label{{{label}}}"] if label and not number else []),
            r"\smallskip",
            font,
            *content,
            rf"\end{{{environment}}}",
        ]
    return "\n".join(text)


def _columns(table: Table[Any], exact: bool) -> list[_Column]:
    """Return the columns; bars have no characters in LaTeX."""
    rows = table.cells(exact)
    columns = []
    for i, (column, side) in enumerate(zip(table.columns, table.alignment, strict=True)):
        if column.unit != "bar":
            cells = [row[i] for row in rows]
            words = re.findall(r"(?:% )?\S+", column.header)
            width = max([1, *map(len, (*map(str, cells), *words))])
            header = r" \\ ".join(map(escape, wrap(column.header, width)))
            if r"\\" in header:
                header = rf"\shortstack[{side[0]}]{{\strut {header}}}"
            columns.append(_Column(header, cells, side[0], width))
    return columns


def _width(columns: Sequence[_Column]) -> int:
    """Return the characters of a line; two are as wide as the space between two columns."""
    return sum(column.width + 2 for column in columns) - 2


def _with_wrapped_texts(columns: Sequence[_Column]) -> list[_Column]:
    """Return the columns, of which those of long texts share what the others leave of a line."""
    long = [column.side == "l" and column.width > _LONG for column in columns]
    whole = sum(column.width for column, wrapped in zip(columns, long, strict=True) if wrapped)
    left = _ROOM - (_width(columns) - whole)
    return [
        replace(column, width=max(_LONG, left * column.width // whole), wrapped=True)
        if wrapped
        else column
        for column, wrapped in zip(columns, long, strict=True)
    ]


def _contents(table: Table[Any], columns: Sequence[_Column], page: int) -> Iterator[list[str]]:
    """Yield what stands under each caption: rows, and after the last of them the notes."""
    rows = list(zip(*(column.cells for column in columns), strict=True))
    wrapped = any(column.wrapped for column in columns)
    fractions = any(isinstance(cell, Formula) and r"\frac" in cell.latex for cell in chain(*rows))
    stretch = 1.5 if fractions else 1.2 if wrapped else 1
    end = r" \tabularnewline" if wrapped else r" \\"
    lines = [" & ".join(map(_Column.text, columns, row)) + end for row in rows]
    if table.total is not None:
        lines[-1] = f"\\midrule\n{lines[-1]}"
    kinds = (
        rf"p{{{column.width / _ROOM:.2f}\linewidth}}" if column.wrapped else column.side
        for column in columns
    )
    head = [
        *([rf"\renewcommand{{\arraystretch}}{{{stretch}}}"] if stretch > 1 else []),
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{@{{}}{''.join(kinds)}@{{}}}}",
        r"\toprule",
        " & ".join(column.header for column in columns) + end,
        r"\midrule",
    ]
    heights = [
        *(max(map(_Column.lines, columns, row)) + stretch - 1 for row in rows),
        *(ceil(len("".join(map(str, note))) / _NOTE) for note in table.notes),
    ]
    for part in _parts(heights, page):
        shown = table.notes[max(0, part.start - len(rows)) : max(0, part.stop - len(rows))]
        yield [
            *([*head, *lines[part], r"\bottomrule", r"\end{tabular}}"] if lines[part] else []),
            *(_under_table(shown) if shown else []),
        ]


def _parts(heights: Sequence[float], page: int) -> list[slice]:
    """Return the parts that are no higher than a page."""
    starts, height = [0], 0.0
    for i, block in enumerate(heights):
        if height and height + block > page:
            starts, height = [*starts, i], 0.0
        height += block
    return [slice(*ends) for ends in pairwise([*starts, len(heights)])]


def _under_table(notes: Sequence[Note]) -> list[str]:
    cells = ([note] if isinstance(note, str) else note for note in notes)
    texts = ("".join(escape(cell, breakable=True) for cell in note) for note in cells)
    return [
        r"\par\smallskip",
        r"\parbox{\linewidth}{\footnotesize\raggedright",
        "\n\\par ".join(texts),
        "}",
    ]
