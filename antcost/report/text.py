"""A table for the terminal: it fits, and is styled only where that shows."""

from dataclasses import replace
from textwrap import wrap
from typing import Any

from tabulate import MIN_PADDING, tabulate
from typer import style

from antcost.report.table import Table

GAP = 2
NARROWEST = 8
ELLIPSIS = "..."


def render_text(table: Table[Any], *, exact: bool, width: int | None, styled: bool) -> str:
    """Title, table and notes; at most `width` columns wide where there is a width."""
    hidden: list[str] = []
    if width is not None:
        table, hidden = _hide_spare(table, exact, width)
    texts = table.texts(exact)
    if width is not None:
        texts = _elide(table, texts, width)
    lines = tabulate(
        texts,
        headers=[column.header for column in table.columns],
        tablefmt="simple",
        colalign=table.alignment,
        disable_numparse=True,
    ).splitlines()
    if table.total is not None:
        lines.insert(-1, lines[1])
    notes = [
        *table.notes,
        *table.hints,
        *([f"Hidden to fit: {', '.join(hidden)}."] if hidden else []),
    ]
    if styled:
        lines[0] = style(lines[0], bold=True)
        lines[-1] = style(lines[-1], bold=True) if table.total is not None else lines[-1]
    wrapped = [line for note in notes for line in (wrap(note, width) if width else [note])]
    footer = [style(line, dim=True) if styled else line for line in wrapped]
    title = style(table.title, bold=True) if styled else table.title
    return "\n".join([title, "", *(line.rstrip() for line in lines), "", *footer])


def _widths(table: Table[Any], texts: list[list[str]]) -> list[int]:
    headers = [len(column.header) + MIN_PADDING for column in table.columns]
    return [
        max(header, *map(len, column))
        for header, column in zip(headers, zip(*texts, strict=True), strict=True)
    ]


def _hide_spare(table: Table[Any], exact: bool, width: int) -> tuple[Table[Any], list[str]]:
    """Drop the columns that can best be spared until the rest fits."""
    hidden = []
    while _total(_widths(table, table.texts(exact))) > width:
        spare = max(table.columns, key=lambda column: column.spare)
        if not spare.spare:
            break
        hidden.append(spare.key)
        table = replace(table, columns=tuple(c for c in table.columns if c is not spare))
    return table, hidden


def _total(widths: list[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _elide(table: Table[Any], texts: list[list[str]], width: int) -> list[list[str]]:
    """Cut the widest text columns until the table fits, down to a readable minimum."""
    widths = _widths(table, texts)
    while _total(widths) > width:
        cuttable = [
            i
            for i, column in enumerate(table.columns)
            if column.unit == "text" and widths[i] > max(NARROWEST, len(column.header))
        ]
        if not cuttable:
            break
        widths[max(cuttable, key=lambda i: widths[i])] -= 1
    return [
        [
            text if len(text) <= size else text[: size - len(ELLIPSIS)] + ELLIPSIS
            for text, size in zip(row, widths, strict=True)
        ]
        for row in texts
    ]
