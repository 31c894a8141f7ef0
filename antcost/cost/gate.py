"""Holding a network to budgets, and to what it cost before."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from antcost.cost.analysis import NetCost
from antcost.cost.budget import Bound, grown
from antcost.cost.measures import Measure
from antcost.units import Printed

GROWING = ("madds", "params", "peak_memory", "latency")
"""What may cost no more than before; latency only with a device to predict it for."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a network costs beside a bound, and what it cost before, if that is known."""

    bound: Bound
    count: int
    before: int | None = None

    @property
    def holds(self) -> bool:
        return self.bound.allows(self.count)

    @property
    def headroom(self) -> int:
        """Return how far the cost is within the bound; negative if it is beyond."""
        return self.bound.sign * (self.bound.limit - self.count)

    @property
    def change(self) -> Fraction | None:
        """The cost against the one before, relative to that."""
        return Fraction(self.count, self.before) - 1 if self.before else None


def check_budgets(
    cost: NetCost,
    base: NetCost | None,
    bounds: tuple[Bound, ...],
    increase: Printed,
    known: Mapping[str, Measure],
) -> tuple[Verdict, ...]:
    """Return a verdict for each bound, then for what may be larger than in `base` by a share of
    that.

    All limits are exact: a cost that is the limit holds, one more does not.
    """
    before = {} if base is None else {name: measure.of(base) for name, measure in known.items()}
    growing = (known[name] for name in GROWING if name in before)
    return tuple(
        Verdict(bound, bound.measure.of(cost), before.get(bound.measure.name))
        for bound in (
            *bounds,
            *(grown(measure, before[measure.name], increase) for measure in growing),
        )
    )
