"""A table in LaTeX."""

import re
from collections.abc import Iterable
from typing import Any

from antcost.report.table import Cell, Formula, Note, Table

_LINES = 40
_LEAST = 8
_NOTE_WIDTH = 55
_FLOATS = 10


def escape(cell: Cell) -> str:
    """A text or formula that pdfLaTeX prints as it is, with no package loaded."""
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


def _note(note: Note) -> str:
    return "".join(map(escape, [note] if isinstance(note, str) else note))


def latex(table: Table[Any], exact: bool) -> str:
    """Table environments that need no package but booktabs, each short enough for a page."""

    def line(cells: Iterable[Cell]) -> str:
        return rf"{' & '.join(map(escape, cells))} \\"

    body = [line(row) for row in table.cells(exact)]
    if table.total is not None:
        body[-1] = f"\\midrule\n{body[-1]}"
    note_lines = sum(1 + len(note) // _NOTE_WIDTH for note in table.notes)
    rows = max(_LEAST, _LINES - note_lines)
    pages = [body[i : i + rows] for i in range(0, len(body), rows)] or [[]]
    title = escape(table.title)
    lines = [r"% \usepackage{booktabs}"]
    for number, page in enumerate(pages):
        notes = table.notes if number == len(pages) - 1 else ()
        if number and number % _FLOATS == 0:
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
            *(rf"\par\smallskip{{\footnotesize {_note(note)}}}" for note in notes),
            r"\end{table}",
        ]
    return "\n".join(lines)
