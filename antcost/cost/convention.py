"""Conventions: which counts make the one number a paper or tool calls its cost."""

from collections.abc import Callable
from dataclasses import dataclass

from antcost.cost.counts import Cost
from antcost.errors import AntcostError, suggest


@dataclass(frozen=True, slots=True)
class Convention:
    """A way of counting: its name on the command line, its label in tables, its definition."""

    name: str
    label: str
    definition: str
    count: Callable[[Cost], int]


def madds(cost: Cost) -> int:
    """Multiply-adds of convolutions and linear layers, biases not counted."""
    return cost.conv_macs + cost.linear_macs


def flops(cost: Cost) -> int:
    """A multiply and an add counted as two operations."""
    return 2 * madds(cost)


CONVENTIONS = {
    convention.name: convention
    for convention in (
        Convention(
            "madds",
            "MAdds",
            "1 MAdd = 1 multiply + 1 add; convolutions and linear layers, biases not counted",
            madds,
        ),
        Convention(
            "flops",
            "FLOPs",
            "2 FLOPs = 1 multiply + 1 add; convolutions and linear layers, biases not counted",
            flops,
        ),
    )
}


def find_convention(name: str) -> Convention:
    """The convention of this name. Raises AntcostError with the nearest name if there is none."""
    if name not in CONVENTIONS:
        raise AntcostError(f"no convention {name!r}; {suggest(name, CONVENTIONS)}")
    return CONVENTIONS[name]
