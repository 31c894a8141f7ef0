"""The letters of closed forms, and what counts and dimensions made of them are.

Such counts are still typed as integers; `expression` is what they are.

This module needs SymPy; it is imported when first used.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from sympy import Expr, Symbol, ceiling, floor, sympify

from antcost.errors import AntcostError

LETTERS = {
    "channels": "c_o",
    "expansion": "t",
    "kernel": "k",
    "reduction": "r",
    "groups": "g",
    "growth": "k_g",
    "condensation": "C",
    "hidden": "c_h",
    "squeeze": "c_s",
}
"""The papers' letters for the fields of blocks."""
MEANINGS = {
    "h": "height of the output map",
    "w": "width of the output map",
    "c_i": "channels in",
    "c_p": "channels in from the block before the last",
    **{name: field for field, name in LETTERS.items()},
    "c_o": "channels out",
    "c_h": "channels of the hidden layers",
    "c_s": "channels of the squeeze",
    "N": "blocks",
}
"""What the letters mean; k_h, k_w and g_1, g_2, ... are kernels and groups, too."""


def letter(name: str) -> Any:
    """Return the symbol of this name: a positive integer."""
    return Symbol(name, integer=True, positive=True)


H, W = letter("h"), letter("w")
REPEAT = letter("N")
ALPHA = Symbol("alpha", positive=True)


def expression(count: int) -> Expr:
    """Return a count or dimension as the expression it is."""
    return sympify(count)


def is_rounded(expr: Expr) -> bool:
    """Return whether a quotient in the expression is rounded to an integer."""
    return bool(expr.has(floor, ceiling))


def without_rounding(expr: Expr) -> Expr:
    """Return the expression with every quotient as it is: floor(t*c_i/r) becomes t*c_i/r."""
    return expr.replace(lambda part: isinstance(part, floor | ceiling), lambda part: part.args[0])


def value(expr: Expr, values: Mapping[Symbol, int]) -> Fraction:
    """Return the number after substitution."""
    number = expr.subs(values)
    return Fraction(int(number.p), int(number.q))


@contextmanager
def on_symbols(what: str) -> Iterator[None]:
    """Raise AntcostError for code that needs numbers, such as a block that loops over a field."""
    try:
        yield
    except AntcostError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise AntcostError(f"{what} cannot be run on symbols: {reason:.200}") from error
