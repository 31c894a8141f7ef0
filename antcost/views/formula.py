"""How a closed form is written: grouped and factored as papers do, as text and as LaTeX.

This module needs SymPy; it is imported when first used.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Add, Expr, Mul, Pow, Rational, Symbol, expand, factor_terms, fraction, latex

from antcost.tables.table import Formula

FACTORS = ("m", "n", "h", "w", "t", "c_i", "c_p", "c_o", "k", "k_h", "k_w", "alpha")
TERMS = ("m", "n", "h", "w", "t", "c_i", "c_p", "k", "k_h", "k_w", "c_o", "alpha")
"""Letters in the order that papers write them: c_i*c_o*k^2, but c_i + k^2 + c_o. Others follow."""


@dataclass(frozen=True, slots=True)
class _Notation:
    """What text and LaTeX write differently."""

    times: str
    power: str
    fraction: str
    comma: str
    latex: bool


_TEXT = _Notation("*", "{}^{}", "{}/{}", ",", False)
_LATEX = _Notation(" ", "{}^{{{}}}", r"\frac{{{}}}{{{}}}", "{,}", True)


def formula(expr: Expr) -> Formula:
    """The expression as it is, its terms and factors in the papers' order."""
    return Formula(_sum(expr, _TEXT), _sum(expr, _LATEX))


def factored(expr: Expr) -> Expr:
    """The expression as few products: what grows with the map, what a reduction divides, the rest.

    Each product has its common factors taken out: h*w*t*c_i*(c_i + k^2 + c_o/g) + 2*t^2*c_i^2/r.
    Sides such as 2*h - 1 and h + k - 1 stay whole.
    """
    whole = [part for part in expr.atoms(Add) if _is_side(part)]
    names = {part: Symbol(f"h{index}") for index, part in enumerate(sorted(whole, key=str))}
    groups: dict[str, list[Expr]] = {}
    for term in Add.make_args(expand(expr.xreplace(names))):
        groups.setdefault(_group(term), []).append(term)
    sides = {name: part for part, name in names.items()}
    products = [factor_terms(Add(*terms)).xreplace(sides) for terms in groups.values()]
    return Add(*products, evaluate=False) if len(products) > 1 else products[0]


def _group(term: Expr) -> str:
    """The terms with the same name here are factored together."""
    if _is_map(term):
        return "map"
    if "r" in {symbol.name for symbol in fraction(term)[1].free_symbols}:
        return "reduction"
    letters = {symbol.name for symbol in term.free_symbols}
    return next((name for name in TERMS if name in letters), "")


def _is_map(expr: Expr) -> bool:
    return any(symbol.name[0] in "hw" for symbol in expr.free_symbols)


def _is_side(total: Expr) -> bool:
    """Whether this is one side of a map, in which h or w is nobody's factor."""
    on_map = [term for term in total.args if _is_map(term)]
    return len(on_map) == 1 and on_map[0].as_coeff_Mul()[1].is_Symbol


def _letters(expr: Expr, order: Sequence[str]) -> list[tuple[int, str]]:
    """The letters of an expression as sorting keys."""
    names = [symbol.name for symbol in expr.free_symbols]
    return sorted((order.index(name) if name in order else len(order), name) for name in names)


def _term_order(term: Expr) -> tuple[bool, bool, list[tuple[int, str]], int]:
    """Numbers last, repeats of a block before them; m*n before m, a higher power before a lower."""
    repeated = term.is_Mul and any(_is_repeat(factor) for factor in term.args)
    degree = sum(_exponent(factor) for factor in _flat(term, Mul))
    letters = [*_letters(fraction(term)[0], TERMS), (len(TERMS) + 1, "")]
    return not term.free_symbols, repeated, letters, -degree


def _factor_order(factor: Expr) -> tuple[bool, bool, list[tuple[int, str]]]:
    return not _is_repeat(factor), factor.is_Add, _letters(factor, FACTORS)


def _sum(expr: Expr, notation: _Notation) -> str:
    terms = sorted(_flat(expr, Add), key=_term_order)
    # The first positive term leads: c_o - c_i, but h - k + 1.
    first = next((term for term in terms if not _is_negative(term)), terms[0])
    text = _product(first, notation)
    terms.remove(first)
    for term in terms:
        negative = _is_negative(term)
        text += f" {'-' if negative else '+'} {_product(-term if negative else term, notation)}"
    return text


def _is_negative(term: Expr) -> bool:
    return bool(term.as_coeff_Mul()[0] < 0)


def _product(expr: Expr, notation: _Notation) -> str:
    """A number, letters in their order, sums in brackets; in LaTeX these stand after a fraction."""
    every = _flat(expr, Mul)
    number = Mul(*(factor for factor in every if factor.is_Rational))
    factors = [factor for factor in every if not factor.is_Rational]
    above = [factor for factor in factors if _exponent(factor) > 0]
    below = [1 / factor for factor in factors if _exponent(factor) < 0]
    sums = [factor for factor in above if factor.is_Add and not _is_repeat(factor)]
    above = [factor for factor in above if factor not in sums]
    numerator = _factors(number.p, [*above, *([] if notation.latex else sums)], notation)
    denominator = _factors(number.q, below, notation)
    if denominator != "1":
        if not notation.latex and notation.times in denominator:
            denominator = f"({denominator})"
        numerator = notation.fraction.format(numerator, denominator)
    tail = [_factor(factor, notation) for factor in sums] if notation.latex else []
    head = [] if tail and numerator == "1" else [numerator]
    return notation.times.join([*head, *tail])


def _is_repeat(factor: Expr) -> bool:
    """Whether this is the N of a stage's blocks, or the N - 1 of its later ones."""
    return {symbol.name for symbol in factor.free_symbols} == {"N"}


def _flat(expr: Expr, kind: type[Expr]) -> list[Expr]:
    """The terms of a sum, or the factors of a product, with those of its parts."""
    if not isinstance(expr, kind):
        return [expr]
    return [inner for part in expr.args for inner in _flat(part, kind)]


def _exponent(factor: Expr) -> Rational:
    return factor.as_base_exp()[1]


def _factors(number: int, factors: list[Expr], notation: _Notation) -> str:
    digits = f"{number:,}".replace(",", notation.comma)
    texts = [_factor(factor, notation) for factor in sorted(factors, key=_factor_order)]
    if number == -1 and texts:
        return "-" + notation.times.join(texts)
    return notation.times.join([digits, *texts] if number != 1 or not texts else texts)


def _factor(factor: Expr, notation: _Notation) -> str:
    if isinstance(factor, Pow):
        return notation.power.format(_factor(factor.base, notation), factor.exp)
    if isinstance(factor, Add):
        return f"({_sum(factor, notation)})"
    return str(latex(factor) if notation.latex else factor)
