"""How a closed form is written: grouped and factored as papers do, as text and as LaTeX.

This module needs SymPy; it is imported when first used.
"""

from collections.abc import Sequence

from sympy import Add, Expr, Mul, Pow, Rational, Symbol, expand, factor_terms, fraction, latex

from antcost.tables.table import Formula

FACTORS = ("m", "n", "h", "w", "t", "c_i", "c_p", "c_o", "k", "k_h", "k_w", "alpha")
TERMS = ("m", "n", "h", "w", "t", "c_i", "c_p", "k", "k_h", "k_w", "c_o", "alpha")
"""Letters in the order that papers write them: c_i*c_o*k^2, but c_i + k^2 + c_o. Others follow."""


def formula(expr: Expr) -> Formula:
    """Write the expression as it is, its terms and factors in the papers' order."""
    return Formula(_sum(expr, in_latex=False), _sum(expr, in_latex=True))


def factored(expr: Expr) -> Expr:
    """Write few products: what grows with the map, what a reduction divides, the rest.

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
    """Name the group of a term: those of one group are factored together."""
    if _is_map(term):
        return "map"
    if "r" in {symbol.name for symbol in fraction(term)[1].free_symbols}:
        return "reduction"
    letters = {symbol.name for symbol in term.free_symbols}
    return next((name for name in TERMS if name in letters), "")


def _is_map(expr: Expr) -> bool:
    return any(symbol.name[0] in "hw" for symbol in expr.free_symbols)


def _is_side(total: Expr) -> bool:
    """Return whether this is one side of a map, in which h or w is no factor."""
    on_map = [term for term in total.args if _is_map(term)]
    return len(on_map) == 1 and on_map[0].as_coeff_Mul()[1].is_Symbol


def _letters(expr: Expr, order: Sequence[str]) -> list[tuple[int, str]]:
    """Return the letters of an expression as sorting keys."""
    names = [symbol.name for symbol in expr.free_symbols]
    return sorted((order.index(name) if name in order else len(order), name) for name in names)


def _term_order(term: Expr) -> tuple[bool, bool, list[tuple[int, str]], int]:
    """Sort numbers last, repeats of a block before them; m*n before m, high powers first."""
    repeated = term.is_Mul and any(_is_repeat(factor) for factor in term.args)
    degree = sum(_exponent(factor) for factor in _flat(term, Mul))
    letters = [*_letters(fraction(term)[0], TERMS), (len(TERMS) + 1, "")]
    return not term.free_symbols, repeated, letters, -degree


def _factor_order(factor: Expr) -> tuple[bool, bool, list[tuple[int, str]]]:
    return not _is_repeat(factor), factor.is_Add, _letters(factor, FACTORS)


def _sum(expr: Expr, in_latex: bool) -> str:
    terms = sorted(_flat(expr, Add), key=_term_order)
    # The first positive term leads: c_o - c_i, but h - k + 1.
    first = next((term for term in terms if not _is_negative(term)), terms[0])
    text = _product(first, in_latex)
    terms.remove(first)
    for term in terms:
        negative = _is_negative(term)
        text += f" {'-' if negative else '+'} {_product(-term if negative else term, in_latex)}"
    return text


def _is_negative(term: Expr) -> bool:
    return bool(term.as_coeff_Mul()[0] < 0)


def _product(expr: Expr, in_latex: bool) -> str:
    """Write a number, letters in order, sums in brackets; in LaTeX these follow a fraction."""
    every = _flat(expr, Mul)
    number = Mul(*(factor for factor in every if factor.is_Rational))
    factors = [factor for factor in every if not factor.is_Rational]
    above = [factor for factor in factors if _exponent(factor) > 0]
    below = [1 / factor for factor in factors if _exponent(factor) < 0]
    tail = [one for one in above if in_latex and one.is_Add and not _is_repeat(one)]
    head = [factor for factor in above if factor not in tail]
    numerator = _factors(number.p, head, in_latex)
    denominator = _factors(number.q, below, in_latex)
    if denominator != "1" and in_latex:
        numerator = rf"\frac{{{numerator}}}{{{denominator}}}"
    elif denominator != "1":
        numerator += f"/({denominator})" if "*" in denominator else f"/{denominator}"
    sums = [_factor(factor, in_latex) for factor in tail]
    return " ".join(sums if sums and numerator == "1" else [numerator, *sums])


def _is_repeat(factor: Expr) -> bool:
    """Return whether this is the N of a stage's blocks, or the N - 1 of its later ones."""
    return {symbol.name for symbol in factor.free_symbols} == {"N"}


def _flat(expr: Expr, kind: type[Expr]) -> list[Expr]:
    """Return the terms of a sum, or the factors of a product, with those of its parts."""
    if not isinstance(expr, kind):
        return [expr]
    return [inner for part in expr.args for inner in _flat(part, kind)]


def _exponent(factor: Expr) -> Rational:
    return factor.as_base_exp()[1]


def _factors(number: int, factors: list[Expr], in_latex: bool) -> str:
    times, comma = (" ", "{,}") if in_latex else ("*", ",")
    digits = f"{number:,}".replace(",", comma)
    texts = [_factor(factor, in_latex) for factor in sorted(factors, key=_factor_order)]
    if number == -1 and texts:
        return "-" + times.join(texts)
    return times.join([digits, *texts] if number != 1 or not texts else texts)


def _factor(factor: Expr, in_latex: bool) -> str:
    if isinstance(factor, Pow):
        exponent = f"{{{factor.exp}}}" if in_latex else factor.exp
        return f"{_factor(factor.base, in_latex)}^{exponent}"
    if isinstance(factor, Add):
        return f"({_sum(factor, in_latex)})"
    return str(latex(factor) if in_latex else factor)
