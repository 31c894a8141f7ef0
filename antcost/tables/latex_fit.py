"""How the columns of a LaTeX table fit on a page: in which letters, and which of them wrapped.

Every length is in pt. Those of a column are at 10 pt, as its letters are chosen later.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, groupby
from typing import Any

from antcost.tables.latex_text import piece_widths, text_width
from antcost.tables.table import Cell, Formula, Table

_COLUMN, _PAGE = 229, 345
"""Columns and pages of LaTeX's article; journals and conferences have rarely narrower ones."""

_WORTH = 1.2
"""How many times wider a text has to be than what it is wrapped to."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a table stands, and in which letters.

    `room` is its width, `line` the distance of its lines, and `gap` half of what is between two
    columns; `scale` is how wide letters are beside those of 10 pt. Texts are wrapped to `least`.
    """

    environment: str
    room: float
    size: str
    scale: float
    line: float
    gap: float
    least: float = _PAGE


_NORMAL = ("normalsize", 1, 12, 6)
_SMALL = ("small", 0.926, 11, 4)
_FOOTNOTE = ("footnotesize", 0.85, 9.5, 3)
_SCRIPT = ("scriptsize", 0.805, 8, 2)
_SETTINGS = (
    *(Setting("table", _COLUMN, *letters) for letters in (_NORMAL, _SMALL, _FOOTNOTE)),
    *(Setting("table*", _PAGE, *letters) for letters in (_NORMAL, _SMALL, _FOOTNOTE)),
    Setting("table*", _PAGE, *_NORMAL, 170),
    Setting("table*", _PAGE, *_SMALL, 130),
    Setting("table*", _PAGE, *_FOOTNOTE, 100),
    Setting("table*", _PAGE, *_SCRIPT, 60),
)
"""From the best to the last."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and how wide its header is, its cells are, and what cannot be broken in each."""

    header: str
    cells: Sequence[Cell]
    number: bool
    header_width: float
    header_least: float
    cells_width: float
    cells_least: float

    @property
    def wide(self) -> float:
        """With the header on one line."""
        return max(self.header_width, self.cells_width)

    @property
    def narrow(self) -> float:
        """With the header on as many lines as it can have."""
        return max(self.header_least, self.cells_width)

    def wrapped(self, least: float) -> float:
        """With its texts wrapped, too, where that is worth it."""
        width = max(self.header_least, self.cells_least, least)
        return self.narrow if self.number or _WORTH * width > self.narrow else width


@dataclass(frozen=True)
class Part:
    """Columns that fit in a setting, and their widths in it."""

    columns: Sequence[Column]
    widths: Sequence[float]
    setting: Setting

    @property
    def width(self) -> float:
        return sum(self.widths) + _gaps(self.columns, self.setting)

    @property
    def unwrapped_width(self) -> float:
        scale = self.setting.scale
        return scale * sum(column.narrow for column in self.columns) + _gaps(
            self.columns, self.setting
        )

    @cached_property
    def rooms(self) -> list[float]:
        """The widths of the columns in letters of 10 pt."""
        return [width / self.setting.scale for width in self.widths]

    @cached_property
    def wrapped(self) -> list[bool]:
        """Which columns are narrower than their cells, but for an error of rounding."""
        return [
            room < 0.999 * column.cells_width
            for column, room in zip(self.columns, self.rooms, strict=True)
        ]

    @cached_property
    def stretch(self) -> float:
        """How much taller lines are than usual: where there are fractions, or rows of lines."""
        cells = (cell for column in self.columns for cell in column.cells)
        if any(isinstance(cell, Formula) and r"\frac" in cell.latex for cell in cells):
            return 1.5
        return 1.2 if any(self.wrapped) else 1


def fitting_parts(table: Table[Any], exact: bool) -> list[Part]:
    """The columns of a table in the best setting that they fit in, and in few parts.

    Each part begins with the columns that tell the rows apart. What fits in no setting is too wide
    in the last.
    """
    columns = _measured(table, exact)
    keys = _keys(columns)
    for count in range(1, len(columns) - keys + 1):
        groups = [[*columns[:keys], *group] for group in _divided(columns[keys:], count)]
        for setting in _SETTINGS:
            widths = [_widths(group, setting) for group in groups]
            if all(widths):
                return [Part(*pair, setting) for pair in zip(groups, widths, strict=True)]
    setting = _SETTINGS[-1]
    return [Part(columns, [setting.scale * column.narrow for column in columns], setting)]


def header_words(header: str) -> list[str]:
    """What a line of a header has at least; a sign stays with its word."""
    return re.findall(r"(?:% )?\S+", header)


def _measured(table: Table[Any], exact: bool) -> list[Column]:
    """The columns of a table; bars have no characters in LaTeX."""
    rows = table.cells(exact)
    return [
        Column(
            header=column.header,
            cells=cells,
            number=side == "right",
            header_width=text_width(column.header),
            header_least=max(map(text_width, header_words(column.header)), default=0),
            cells_width=max(map(text_width, cells), default=0),
            cells_least=max((width for width, _ in chain(*map(piece_widths, cells))), default=0),
        )
        for i, (column, side) in enumerate(zip(table.columns, table.alignment, strict=True))
        for cells in [[row[i] for row in rows]]
        if column.unit != "bar"
    ]


def _keys(columns: Sequence[Column]) -> int:
    """How many columns tell the rows apart; one, if that takes more than half of several."""
    rows = list(zip(*(column.cells for column in columns), strict=True))
    counts = range(1, len(columns) // 2 + 1)
    enough = (count for count in counts if len({row[:count] for row in rows}) == len(rows))
    return next(enough, min(1, len(columns) - 1))


def _divided(columns: Sequence[Column], count: int) -> list[list[Column]]:
    """The columns in at most so many groups that are about as wide."""
    widths = [column.wrapped(_SETTINGS[-1].least) for column in columns]
    middles = [end - width / 2 for end, width in zip(accumulate(widths), widths, strict=True)]
    places = [int(count * middle / sum(widths)) for middle in middles]
    groups = groupby(zip(places, columns, strict=True), key=lambda pair: pair[0])
    return [[column for _, column in group] for _, group in groups]


def _gaps(columns: Sequence[Column], setting: Setting) -> float:
    return 2 * setting.gap * (len(columns) - 1)


def _widths(columns: Sequence[Column], setting: Setting) -> list[float]:
    """Widths in which the columns fit, with as little wrapped as can be; none if they do not."""
    room = (setting.room - _gaps(columns, setting)) / setting.scale
    wide = [column.wide for column in columns]
    narrow = [column.narrow for column in columns]
    least = [column.wrapped(setting.least) for column in columns]
    if sum(least) > room:
        return []
    if sum(wide) <= room:
        fitting = wide
    elif sum(narrow) <= room:
        fitting = narrow
    else:
        share = (room - sum(least)) / (sum(narrow) - sum(least))
        fitting = [low + share * (full - low) for low, full in zip(least, narrow, strict=True)]
    return [setting.scale * width for width in fitting]
