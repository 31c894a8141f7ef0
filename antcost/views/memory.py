"""The tensors that make the peak of memory, as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from antcost.cost.analysis import NetCost
from antcost.cost.memory import BYTES, TimelineStep, peaks, timeline
from antcost.graph.graph import INPUT
from antcost.graph.operators import operator
from antcost.graph.shape import Shape
from antcost.tables.table import Column, Table

BYTES_PER_ELEM = BYTES["fp32"]
NAMED = 3


@dataclass(frozen=True, slots=True)
class Held:
    """A tensor that is alive at the peak, or all of them; `until` is the last layer it is kept for.

    `peak` are the bytes of them all.
    """

    name: str
    operator: str | None
    shape: Shape | None
    until: str | None
    bytes: int
    peak: int


COLUMNS: tuple[Column[Held], ...] = (
    Column("tensor", "producer", lambda held: held.name),
    Column("operator", "operator", lambda held: held.operator, spare=2),
    Column("shape", "shape", lambda held: held.shape, spare=1),
    Column("until", "last use", lambda held: held.until, spare=3),
    Column("memory", "memory", lambda held: held.bytes, "bytes"),
    Column("memory_share", "% peak", lambda held: Fraction(held.bytes, held.peak), "share"),
)


def peak_table(cost: NetCost, *, inplace: bool = False) -> Table[Held]:
    """Return a row for each tensor alive when the peak is first reached, the oldest first."""
    steps = timeline(cost.graph, inplace=inplace)
    first, *others = peaks(steps)
    peak = first.elems * BYTES_PER_ELEM
    items = [_held(cost, steps, name, elems, peak) for name, elems in first.alive.items()]
    return Table(
        title=f"{cost.graph.name}: what is alive at the peak of memory",
        columns=COLUMNS,
        items=items,
        total=Held("total", None, None, None, peak, peak),
        notes=(
            f"While {first.node.name} runs.",
            *([_again(others)] if others else []),
            f"Memory: fp32, one image{', in place' if inplace else ''}.",
        ),
        facts={
            "network": cost.graph.name,
            "layers": [step.node.name for step in (first, *others)],
        },
        rows_key="tensors",
    )


def _held(cost: NetCost, steps: Sequence[TimelineStep], name: str, elems: int, peak: int) -> Held:
    until = next(step.node.name for step in reversed(steps) if name in step.alive)
    if name == INPUT:
        return Held(name, None, cost.graph.input, until, elems * BYTES_PER_ELEM, peak)
    node = next(step.node for step in steps if step.node.name == name)
    return Held(name, operator(node), node.shape, until, elems * BYTES_PER_ELEM, peak)


def _again(steps: Sequence[TimelineStep]) -> str:
    """Say which other layers reach the peak, too."""
    names = [step.node.name for step in steps]
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"The same amount is alive at {', '.join(names[:NAMED])}{rest}."
