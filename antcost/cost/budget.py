"""Budgets: what a network may cost at most, or has to cost at least."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

from antcost.cost.measures import UNITS, Measure
from antcost.errors import AntcostError, suggest
from antcost.units import Printed, read_printed

_BOUND = re.compile(r"\s*(?P<sense><=|>=)?\s*(?P<quantity>.*?)\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Bound:
    """`count <= limit`, or `count >= limit` if `lower`; a text such as "<= 300M" said so."""

    measure: Measure
    limit: int
    lower: bool
    text: str

    @property
    def sign(self) -> int:
        """Return what makes of both sides an upper bound."""
        return -1 if self.lower else 1

    def allows(self, count: int) -> bool:
        """Return whether a network may cost this."""
        return self.sign * count <= self.sign * self.limit

    def __str__(self) -> str:
        return f"{self.measure.label} {self.text}"


def read_bound(measure: Measure, text: str) -> Bound:
    """Read "<= 300M", ">= 2 MiB" or "9ms", which is at most that. Raises ValueError."""
    units = UNITS[measure.unit]
    expected = f"expected such as <= {_EXAMPLES[measure.unit]}"
    match = _BOUND.fullmatch(text)
    assert match
    try:
        value = read_printed(match["quantity"], units).value
    except ValueError:
        known = ", ".join(filter(None, units))
        raise ValueError(f"{expected}, with one of the units {known}; got {text!r:.60}") from None
    lower = match["sense"] == ">="
    if lower and measure.largest:
        raise ValueError(f"{measure.label} is a largest value; it has upper bounds only")
    limit = ceil(value) if lower else floor(value)
    return Bound(measure, limit, lower, f"{match['sense'] or '<='} {match['quantity']}")


_EXAMPLES = {"count": "300M", "bytes": "2MiB", "time": "9ms"}


def read_increase(text: str) -> Printed:
    """Read "1%" or "0.5 %" exactly, as a share. Raises ValueError."""
    number, sign, rest = text.strip().partition("%")
    try:
        percent = read_printed(number, {"": Fraction(1, 100)})
    except ValueError:
        sign = ""
    if not sign or rest:
        raise ValueError(f"expected a percentage such as 1%, got {text!r:.60}")
    return replace(percent, text=f"{percent.text} %")


def grown(measure: Measure, before: int, increase: Printed) -> Bound:
    """Return the bound of a cost that may be larger than it was by this share of that."""
    limit = floor(before * (1 + increase.value))
    return Bound(measure, limit, False, f"<= +{increase.text}")


def find_measure(measures: Mapping[str, Measure], name: str) -> Measure:
    """Return the measure of this name. Raises AntcostError for an unknown one."""
    if name == "latency" and name not in measures:
        raise AntcostError(
            "latency needs a device: FILE (--device FILE) that says what layers take"
        )
    if name not in measures:
        raise AntcostError(f"no measure is called {name!r:.60}; {suggest(name, measures)}")
    return measures[name]
