"""What has to divide what, so that a closed form holds and is exact.

This module needs SymPy; it is imported when first used.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import lcm
from typing import assert_never

from sympy import Add, Expr, ceiling, floor, fraction, together

from antcost.explain.symbols import expression, without_rounding
from antcost.graph import layers as L
from antcost.graph.graph import Node


@dataclass(frozen=True, slots=True)
class Divides:
    """A condition on a form: `divisor` divides `dividend`."""

    divisor: Expr
    dividend: Expr


def taken_for_granted(counts: Iterable[int]) -> list[Divides]:
    """Return what has to divide what, so that the counts without rounding are exact."""
    return _conditions(
        part.args[0] for count in counts for part in expression(count).atoms(floor, ceiling)
    )


def required(nodes: Iterable[Node]) -> list[Divides]:
    """Return what groups have to divide, or the layer is refused: the channels that it reads
    and makes.
    """
    quotients = (
        expression(channels) / groups
        for node in nodes
        for groups in _groups(node.layer)
        for channels in (node.input_shapes[0].c, node.shape.c)
    )
    return _conditions(quotient for quotient in quotients if not quotient.is_integer)


def _groups(layer: L.Layer) -> Iterator[int]:
    """Yield the groups into which a layer divides channels."""
    match layer:
        case (
            L.Conv2d(groups=groups)
            | L.ConvTranspose2d(groups=groups)
            | L.ChannelShuffle(groups=groups)
        ):
            yield groups
        case (
            L.Linear() | L.BatchNorm() | L.Activation() | L.MaxPool2d() | L.AvgPool2d()
            | L.GlobalAvgPool() | L.Add() | L.Multiply() | L.Complement() | L.Concat()
            | L.SelectChannels() | L.Shift() | L.SliceChannels() | L.WeightedSum() | L.Flatten()
            | L.Dropout()
        ):  # fmt: skip
            return
        case _:
            assert_never(layer)


def _conditions(quotients: Iterable[Expr]) -> list[Divides]:
    """Return what makes the quotients integers, but for those that always are."""
    found = set()
    for quotient in quotients:
        dividend, divisor = fraction(together(without_rounding(quotient)))
        if divisor != 1:
            sign = -1 if dividend.could_extract_minus_sign() else 1
            found.add(Divides(divisor, sign * dividend))
    return sorted(found, key=str)


def common_multiple(conditions: Iterable[Divides]) -> int:
    """Return the least number that all divisors divide."""
    return lcm(*(int(condition.divisor) for condition in conditions))


def without_implied(conditions: Sequence[Divides], known: Sequence[Divides] = ()) -> list[Divides]:
    """Return the same conditions in short, without what follows from the others and the `known`
    ones.

    g divides t*c_o if it divides c_o; if it divides c_i, too, c_o instead of c_o - c_i is enough.
    """
    left = sorted(conditions, key=lambda condition: condition.dividend.count_ops())
    for condition in tuple(left):
        left.remove(condition)
        terms = Add.make_args((condition.dividend / condition.divisor).expand())
        open_ = [t for t in terms if not any(_follows(t, other) for other in (*left, *known))]
        left += _conditions([Add(*open_)])
    return sorted(set(left), key=str)


def _follows(quotient: Expr, other: Divides) -> bool:
    """Return whether a quotient is an integer where that of another condition is one."""
    return bool((quotient * other.divisor / other.dividend).is_integer)
