"""Text in LaTeX: what it prints, with places where a long word may break."""

import re
from unicodedata import normalize

from antcost.tables.table import Cell, Formula

_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi mathit{o} pi rho "
    "varsigma sigma tau upsilon phi chi psi omega"
)
_SYMBOLS = {
    **{chr(0x3B1 + i): name for i, name in enumerate(_GREEK.split())},
    "\u2192": "to",
    "\u2264": "le",
    "\u2265": "ge",
}
_KNOWN = {
    *map(chr, (*range(0x20, 0x7F), *range(0xA1, 0x17F))),
    *"\u2013\u2014\u2018\u2019\u201c\u201d\u2020\u2021\u2022\u2026",
    *_SYMBOLS,
} - {*"«»ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲų"}
"""What LaTeX has without a package, in its first font encoding."""


def escape(cell: Cell, *, breakable: bool = False) -> str:
    """Return the cell as LaTeX that prints it and does nothing else.

    What LaTeX lacks is named by its code point. Long words may break within if `breakable`.
    """
    if isinstance(cell, Formula):
        return f"${cell.latex}$"
    text = normalize("NFC", cell)
    text = "".join(char if char in _KNOWN else f"U+{ord(char):04X}" for char in text)
    if not breakable:
        return _escape(text)
    words = (r"\allowbreak{}".join(map(_escape, _pieces(word))) for word in text.split(" "))
    return " ".join(words)


def _pieces(word: str) -> list[str]:
    return re.findall(r"\w{1,12}\W{0,3}|\W{1,12}", word) if len(word) > 12 else [word]


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
