"""A table in LaTeX: it needs booktabs only, and fits a column of a page or its whole width."""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil, floor
from textwrap import wrap
from typing import Any

from antcost.tables.latex_fit import Column, Part, fitting_parts, header_words
from antcost.tables.latex_text import escape, line_count, text_width
from antcost.tables.table import Cell, Note, Table

_HEIGHT, _LEAST_HEIGHT, _WIDEST = 500, 100, 500
"""What may be on a page, what there is room for under any title, and how wide a page may be."""

_RULES = 16
_CAPTION_SKIPS, _CAPTION_LINE = 20, 12
_NOTE_SCALE, _NOTE_LINE, _NOTES_LEAST = 0.85, 9.5, 180
_NOTE_LENGTH = 1500
_FLOATS = 10


def latex(table: Table[Any], exact: bool, label: str | None = None) -> str:
    r"""Table environments, each short enough for a page; \ref{label} is their number.

    They fit a column of 229 pt or a page of 345 pt, also across two columns: what is too wide is
    set in smaller letters, its long texts are wrapped, and at last its columns are parted.
    """
    parts = fitting_parts(table, exact)
    floats = [
        (part.setting.environment, lines)
        for part in parts
        for lines in _pages(part, table, _shorter(table.notes) if part is parts[-1] else ())
    ]
    title = escape(table.title, breakable=True)
    text = [r"% \usepackage{booktabs}"]
    for number, (environment, lines) in enumerate(floats):
        if number and number % _FLOATS == 0:
            text.append(r"\clearpage % LaTeX holds a limited number of tables back")
        text += [
            rf"\begin{{{environment}}}",
            r"\centering",
            *([r"\addtocounter{table}{-1}"] if number else []),
            rf"\caption{{{title}{' (continued)' if number else ''}}}",
            *([rf"\label{{{label}}}"] if label and not number else []),
            *lines,
            rf"\end{{{environment}}}",
        ]
    return "\n".join(text)


def _pages(part: Part, table: Table[Any], notes: Sequence[Note]) -> Iterator[list[str]]:
    """What stands under each caption: rows, and after the last of them the notes."""
    rows = list(zip(*(column.cells for column in part.columns), strict=True))
    lines = [_joined(part, map(_cell, row, part.wrapped)) for row in rows]
    if table.total is not None:
        lines[-1] = f"\\midrule\n{lines[-1]}"
    width = min(part.setting.room, max(part.width, _NOTES_LEAST))
    heights = [
        *(_row_height(part, row) for row in rows),
        *(_NOTE_LINE * line_count(_plain(note), width / _NOTE_SCALE) for note in notes),
    ]
    caption = _CAPTION_SKIPS + _CAPTION_LINE * line_count(table.title, part.setting.room)
    header = _RULES + part.setting.line * max(map(len, _header_lines(part)))
    for page in _balanced(heights, max(_LEAST_HEIGHT, _HEIGHT - caption - header)):
        shown = notes[max(0, page.start - len(rows)) : max(0, page.stop - len(rows))]
        wrapped = any(part.wrapped)
        measure = rf"\dimexpr{_line_width(part)}\relax" if wrapped else f"{ceil(width)}pt"
        yield [
            *(_tabular(part, lines[page]) if page.start < len(rows) or not rows else []),
            *(_under_table(shown, measure) if shown else []),
        ]


def _balanced(heights: Sequence[float], room: float) -> list[slice]:
    """As few pages as have to be, of about the same height."""
    pages = max(1, ceil(sum(heights) / room))
    limit = min(room, sum(heights) / pages + max(heights, default=0))
    starts, height = [0], 0.0
    for i, block in enumerate(heights):
        if height and height + block > limit:
            starts, height = [*starts, i], 0.0
        height += block
    return [slice(*ends) for ends in zip(starts, [*starts[1:], len(heights)], strict=True)]


def _row_height(part: Part, row: Sequence[Cell]) -> float:
    cells = zip(row, part.rooms, part.wrapped, strict=True)
    lines = (line_count(cell, room) for cell, room, wrapped in cells if wrapped)
    return part.setting.line * (max(lines, default=1) + part.stretch - 1)


def _tabular(part: Part, lines: Iterable[str]) -> list[str]:
    return [
        r"\smallskip",
        *_style(part),
        rf"\begin{{tabular}}{{@{{}}{''.join(_sides(part))}@{{}}}}",
        r"\toprule",
        _joined(part, map(_stacked, part.columns, _header_lines(part))),
        r"\midrule",
        *lines,
        r"\bottomrule",
        r"\end{tabular}",
    ]


def _style(part: Part) -> Iterator[str]:
    if part.setting.size != "normalsize":
        yield rf"\{part.setting.size}\setlength{{\tabcolsep}}{{{part.setting.gap}pt}}"
    if part.stretch > 1:
        yield rf"\renewcommand{{\arraystretch}}{{{part.stretch}}}"


def _sides(part: Part) -> Iterator[str]:
    """Columns that are wrapped share what the others leave of the line, however long that is."""
    columns = list(zip(part.columns, part.widths, part.wrapped, strict=True))
    shared = sum(width for _, width, wrapped in columns if wrapped)
    rest = rf"\dimexpr{_line_width(part)}-{ceil(part.width - shared)}pt\relax"
    for column, width, wrapped in columns:
        if wrapped:
            share = "" if width == shared else floor(1000 * width / shared) / 1000
            yield rf"p{{{share}{rest}}}"
        else:
            yield "r" if column.number else "l"


def _line_width(part: Part) -> str:
    """The page's width, or the table's where nothing has to be wrapped in it."""
    enough = ceil(part.unwrapped_width)
    if enough > _WIDEST:
        return r"\linewidth"
    return rf"\ifdim\linewidth>{enough}pt {enough}pt\else\linewidth\fi"


def _joined(part: Part, cells: Iterable[str]) -> str:
    end = r"\tabularnewline" if any(part.wrapped) else r"\\"
    return f"{' & '.join(cells)} {end}"


def _cell(cell: Cell, wrapped: bool) -> str:
    return rf"\raggedright {escape(cell, breakable=True)}" if cell and wrapped else escape(cell)


def _header_lines(part: Part) -> list[list[str]]:
    """The headers on several lines where they are wider than their cells."""
    return [
        _filled(header_words(column.header), room)
        for column, room in zip(part.columns, part.rooms, strict=True)
    ]


def _filled(words: Iterable[str], room: float) -> list[str]:
    lines: list[str] = []
    for word in words:
        if lines and text_width(f"{lines[-1]} {word}") < room + 0.01:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines or [""]


def _stacked(column: Column, lines: Sequence[str]) -> str:
    if len(lines) == 1:
        return escape(lines[0])
    side = "r" if column.number else "l"
    stack = r" \\ ".join(map(escape, lines))
    return rf"\begin{{tabular}}[b]{{@{{}}{side}@{{}}}}{stack}\end{{tabular}}"


def _under_table(notes: Sequence[Note], width: str) -> list[str]:
    """Sentences that are as wide as the table."""
    first, *others = map(_note, notes)
    return [
        r"\par\smallskip",
        rf"\parbox{{{width}}}{{\footnotesize\raggedright",
        first,
        *(rf"\par {note}" for note in others),
        "}",
    ]


def _shorter(notes: Sequence[Note]) -> list[Note]:
    """Notes that fit on a page: sources of many networks may not."""
    return [
        part
        for note in notes
        for part in (wrap(note, _NOTE_LENGTH) if isinstance(note, str) else [note])
    ]


def _note(note: Note) -> str:
    cells = [note] if isinstance(note, str) else note
    return "".join(escape(cell, breakable=True) for cell in cells)


def _plain(note: Note) -> str:
    return note if isinstance(note, str) else "".join(map(str, note))
