"""A table for the terminal: it fits, and is styled only where that shows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from textwrap import wrap
from typing import Any

from typer import style

from antcost.tables.table import Table

GAP = "  "
NARROWEST = 10
NARROWEST_PROSE = 30
ELLIPSIS = "..."


def render_text(table: Table[Any], *, exact: bool, width: int | None, styled: bool) -> str:
    """Render title, table and notes; at most `width` columns wide where there is a width.

    Of a table without rows only its notes, if it has any.
    """
    hidden: list[str] = []
    if width is not None:
        table, hidden = _hide_spare(table, exact, width)
    texts = _texts(table, exact)
    widths = _widths(texts) if width is None else _narrowed(table, _widths(texts), width)
    header, *body = ["\n".join(_lines(table, row, widths)) for row in texts]
    rule = GAP.join("-" * size for size in widths)
    if table.total is not None:
        body[-1:] = [rule, style(body[-1], bold=True) if styled else body[-1]]
    notes = [
        *(note if isinstance(note, str) else "".join(map(str, note)) for note in table.notes),
        *table.hints,
        *([f"Hidden to fit: {', '.join(hidden)}."] if hidden and body else []),
    ]
    footer = [line for note in notes for line in (wrap(note, width) if width else [note])]
    if styled:
        header = style(header, bold=True)
        footer = [style(line, dim=True) for line in footer]
    if not body and footer:
        return "\n".join(footer)
    title = wrap(table.title, width) if width else [table.title]
    if styled:
        title = [style(line, bold=True) for line in title]
    return "\n".join([*title, "", header, rule, *body, "", *footer])


def _texts(table: Table[Any], exact: bool) -> list[list[str]]:
    """Return the headers, then the rows."""
    rows = [[str(cell) for cell in row] for row in table.cells(exact)]
    return [[column.header for column in table.columns], *rows]


def _widths(texts: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*texts, strict=True)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _least_widths(table: Table[Any], widths: Sequence[int]) -> list[int]:
    """Return the widths before anything is hidden or cut: prose can be wrapped."""
    return [
        min(size, NARROWEST_PROSE) if column.unit == "prose" else size
        for column, size in zip(table.columns, widths, strict=True)
    ]


def _hide_spare(table: Table[Any], exact: bool, width: int) -> tuple[Table[Any], list[str]]:
    """Drop the columns that can best be spared until the rest fits."""
    hidden = []
    while _total(_least_widths(table, _widths(_texts(table, exact)))) > width:
        spare = max(table.columns, key=lambda column: column.spare)
        if not spare.spare:
            break
        hidden.append(spare.key)
        table = replace(table, columns=tuple(c for c in table.columns if c is not spare))
    return table, hidden


def _narrowed(table: Table[Any], widths: list[int], width: int) -> list[int]:
    """Take from prose, then from the widest text columns, down to a readable minimum."""
    least, excess = _least_widths(table, widths), max(0, _total(widths) - width)
    widths = [max(low, size - excess) for low, size in zip(least, widths, strict=True)]
    while _total(widths) > width:
        wide = [
            i
            for i, column in enumerate(table.columns)
            if column.unit == "text" and widths[i] > max(NARROWEST, len(column.header))
        ]
        if not wide:
            break
        widths[max(wide, key=lambda i: widths[i])] -= 1
    return widths


def _lines(table: Table[Any], texts: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """Yield the lines of one row: prose wrapped, other cells cut or filled to their column."""
    columns = [
        wrap(text, size) if column.unit == "prose" else [_cut(text, size)]
        for column, text, size in zip(table.columns, texts, widths, strict=True)
    ]
    for line in zip_longest(*columns, fillvalue=""):
        cells = (
            text.ljust(size) if side == "left" else text.rjust(size)
            for text, size, side in zip(line, widths, table.alignment, strict=True)
        )
        yield GAP.join(cells).rstrip()


def _cut(text: str, size: int) -> str:
    """Leave out the middle of a text that is too long: names differ most at their ends."""
    if len(text) <= size:
        return text
    tail = (size - len(ELLIPSIS)) // 2
    return text[: size - len(ELLIPSIS) - tail] + ELLIPSIS + text[len(text) - tail :]
