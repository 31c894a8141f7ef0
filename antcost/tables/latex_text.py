"""Text in LaTeX: escaped, with places where a long word may break, and how wide it will be."""

import re
import unicodedata
from collections.abc import Iterator

from antcost.tables.table import Cell, Formula

# LaTeX has these without a package, in its first font encoding: letters of Latin and punctuation as
# they are, others as mathematics. What it does not have is named by its code point.
_LETTERS = {
    *map(chr, range(0xA1, 0x17F)),
    *map(chr, (0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2020, 0x2021, 0x2022, 0x2026)),
} - {*"«»ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲų"}
_SYMBOLS = {
    chr(first + i): name
    for first, names in {
        0x3B1: "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi",
        0x3C0: "pi rho",
        0x3C3: "sigma tau upsilon phi chi psi omega",
        0x2192: "to",
        0x2264: "le ge",
    }.items()
    for i, name in enumerate(names.split())
}
_UNKNOWN_RUN = 8
_WORD = 12
_CHUNK = 8
_BREAK = re.compile(r"(?<=[,;:/_=&(-])(?=\w)|(?<=\.)(?=[A-Za-z])")

_WIDTHS = {
    2.78: "!',.:;[]`il|",
    3.34: " fj-",
    3.95: "()tIrs",
    4.73: "?cez",
    5.01: '"$*/0123456789\\^ag{}~',
    5.56: "JqkvxySbdhnopu",
    6.53: "ZLF",
    7.23: "EPBCTw",
    7.78: "RAHNUVXYD&+=@KOQ<>_",
    8.34: "G#%m",
    9.17: "M",
    10.28: "WŴÆŒĲ",
    16.7: "\u2026",
}
_WIDTH = {char: width for width, chars in _WIDTHS.items() for char in chars}
_OTHER_WIDTH = 10.1
_MINUS = 7.78 - 3.34


def escape(cell: Cell, *, breakable: bool = False) -> str:
    """The cell as LaTeX that prints it, and does nothing else.

    Long words may break within if `breakable`.
    """
    if isinstance(cell, Formula):
        return f"${cell.latex}$"
    words = _spelled(cell).split(" ")
    return " ".join(
        r"\allowbreak{}".join(map(_escape, _pieces(word) if breakable else [word]))
        for word in words
    )


def _escape(text: str) -> str:
    from tabulate import LATEX_ESCAPE_RULES

    # In LaTeX's first font encoding | is another character, the \\ that ends a row would take a [
    # or * of the next one as its argument, and babel gives " a meaning.
    rules = {
        **LATEX_ESCAPE_RULES, "|": r"\textbar{}", "[": "{[}", "*": "{*}", '"': r"\char34{}",
        **{char: rf"\ensuremath{{\{name}}}" for char, name in _SYMBOLS.items()},
    }  # fmt: skip
    escaped = "".join(rules.get(char, char) for char in text)
    escaped = re.sub(r"^-(?=\d)", "$-$", escaped)
    return re.sub(r"([-'`,])(?=\1)|[?!](?=`)", r"\g<0>{}", escaped)


def _spelled(text: str) -> str:
    """The text in characters that LaTeX knows; of a long run of others only the first ones."""
    composed = unicodedata.normalize("NFC", text)
    unknown = "".join({char for char in composed if not _known(char)})
    if not unknown:
        return composed
    return re.sub(f"[{re.escape(unknown)}]+", _code_points, composed)


def _known(char: str) -> bool:
    return " " <= char <= "~" or char in _LETTERS or char in _SYMBOLS


def _code_points(run: re.Match[str]) -> str:
    names = "".join(f"U+{ord(char):04X}" for char in run[0][:_UNKNOWN_RUN])
    return names if len(run[0]) <= _UNKNOWN_RUN else f"{names}..."


def _pieces(word: str) -> list[str]:
    """A word in the parts that a line may end after: a short one is whole."""
    if len(word) <= _WORD:
        return [word]
    return [
        part[start : start + size]
        for part in _BREAK.split(word)
        for size in (len(part) if len(part) <= 2 * _CHUNK else _CHUNK,)
        for start in range(0, len(part), size)
    ]


def text_width(cell: Cell) -> float:
    """How wide the cell is in Computer Modern of 10 pt, in pt, rather too much than too little.

    Source: the metrics of cmr10.
    """
    text = _measurable(cell)
    minuses = len(re.findall(r"(?<!\S)-(?=\d)", text))
    return _MINUS * minuses + sum(_WIDTH.get(char, _OTHER_WIDTH) for char in text)


def _measurable(cell: Cell) -> str:
    """What is as wide as the cell: of a formula its text without the signs that are not set."""
    return re.sub(r"[*^_]", "", str(cell)) if isinstance(cell, Formula) else _spelled(cell)


def piece_widths(cell: Cell) -> Iterator[tuple[float, float]]:
    """Widths in pt at 10 pt of the parts that stay on one line, and of the space after each."""
    for word in _measurable(cell).split(" "):
        *first, last = map(text_width, _pieces(word))
        yield from ((width, 0) for width in first)
        yield last, _WIDTH[" "]


def line_count(cell: Cell, room: float) -> int:
    """On how many lines the cell stands in a column of `room` pt, at 10 pt."""
    lines, left = 1, room
    for width, space in piece_widths(cell):
        if width > left and left < room:
            lines, left = lines + 1, room
        left -= width + space
    return lines
