"""Closed forms of a network: in the resolution of its input, and in its width.

This module needs SymPy; it is imported when first used.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd
from typing import Any, Literal

from sympy import Expr, Integer, Rational, Symbol

from antcost.cost.analysis import NetCost, analyze_graph
from antcost.explain.conditions import common_multiple, required, taken_for_granted
from antcost.explain.symbols import ALPHA, expression, letter, on_symbols
from antcost.graph.graph import Graph
from antcost.sources.specs.build import build_graph, build_stages
from antcost.sources.specs.model import NetSpec
from antcost.sources.specs.width import DIVISOR, scaled_channels, scaled_fields


@dataclass(frozen=True, slots=True)
class ResolutionForm:
    """A network on inputs of other sizes than the spec's.

    `sides` are S * m + remainder and S * n + remainder, or none if the input is no map; in the spec
    m and n have these `values`, and the cost is `actual`.
    """

    cost: NetCost
    actual: NetCost
    sides: tuple[Expr, ...]
    values: Mapping[Symbol, int]


@dataclass(frozen=True, slots=True)
class WidthForm:
    """A network with all its channels times alpha; for alpha `bound` 1, if there is a bound.

    Exact where alpha is a multiple of `step`: channels are then multiples of 8, and quotients are
    integers; also at 1 if `exact_at_1`.
    """

    bound: Literal["", "<=", ">="]
    madds: Expr
    params: Expr
    step: Fraction
    exact_at_1: bool


def resolution_form(spec: NetSpec) -> ResolutionForm:
    """Return a network at every resolution that leaves the same remainder as the spec's own.

    A side is S * m + remainder, with the least S for which every map has an exact size.
    """
    actual = analyze_graph(build_graph(spec))
    numbers = spec.input[1:]
    if len(numbers) != 2:
        return ResolutionForm(actual, actual, (), {})
    letters = letter("m"), letter("n")
    maps = [node.shape for node in _at_resolution(spec, letters).nodes if node.shape.rank == 3]
    factors = [
        common_multiple(taken_for_granted({map_.dims[axis] for map_ in maps})) for axis in (1, 2)
    ]
    every = list(zip(letters, numbers, factors, strict=True))
    sides = tuple(factor * side + size % factor for side, size, factor in every)
    cost = analyze_graph(_at_resolution(spec, sides))
    values = {side: size // factor for side, size, factor in every}
    return ResolutionForm(cost, actual, sides, values)


def _at_resolution(spec: NetSpec, sides: tuple[Expr, ...]) -> Graph:
    with on_symbols("the network"):
        return build_graph(replace(spec, input=(spec.input[0], *sides)))


def width_forms(spec: NetSpec) -> list[WidthForm]:
    """Return a network in its width alpha: one form, or two if the last convolution grows above 1
    only.

    None for a bound within which at most one width is exact, or if there are no channels to
    multiply.
    """
    one = Integer(1)
    below, above = (scaled_fields(spec, ALPHA, last, _times) for last in (one, ALPHA))
    if below == above:
        forms = [_width_form(spec, "", ALPHA)]
    else:
        forms = [_width_form(spec, "<=", one), _width_form(spec, ">=", ALPHA)]
    return [form for form in forms if form is not None]


def _width_form(spec: NetSpec, bound: Literal["", "<=", ">="], last: Expr) -> WidthForm | None:
    """Run the network on alpha = step * j, which makes every count an integer for j = 1, 2, ..."""
    j = letter("j")
    channels = [
        int(number / ALPHA)
        for fields in scaled_fields(spec, ALPHA, last, _times)
        for number in scaled_channels(fields)
        if expression(number).has(ALPHA)
    ]
    if not channels:
        return None
    step = Rational(DIVISOR, gcd(*channels))
    for _ in range(2):
        fields = scaled_fields(spec, step * j, last.subs(ALPHA, step * j), _times)
        with on_symbols("the network"):
            graph = build_stages(spec, fields)
        whole = analyze_graph(graph).whole
        counts = whole.madds, whole.params
        factor = common_multiple([*taken_for_granted(counts), *required(graph.nodes)])
        if factor == 1:
            break
        step *= factor
    else:
        return None
    madds, params = (expression(count).subs(j, ALPHA / step).expand() for count in counts)
    at_1 = analyze_graph(build_graph(replace(spec, width=1.0)))
    exact_at_1 = (madds.subs(ALPHA, 1), params.subs(ALPHA, 1)) == (at_1.madds, at_1.params)
    every = Fraction(step.p, step.q)
    widths_up_to_1 = 1 // every + (exact_at_1 and 1 % every > 0)
    if bound == "<=" and widths_up_to_1 < 2:
        return None
    return WidthForm(bound, madds, params, every, exact_at_1)


def _times(channels: int, width: Any) -> Any:
    return channels * width
