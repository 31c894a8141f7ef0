"""What leads from our multiply-adds to the number of a tool, term by term."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, groupby, pairwise

from antcost.check.comparison import Check


@dataclass(frozen=True, slots=True)
class BridgeStep:
    """One term on the way from our multiply-adds to a tool's number.

    It leads from `start` to `end`: what was added before it, and with it. All terms of the tool lie
    between `low` and `high`.
    """

    tool: str
    term: str
    count: int
    base: int
    start: int = 0
    end: int = 0
    low: int = 0
    high: int = 0

    @property
    def share(self) -> Fraction | None:
        """The term in shares of our multiply-adds."""
        return Fraction(self.count, self.base) if self.base and self.end != self.start else None


def steps(check: Check) -> list[BridgeStep]:
    """Return the terms of a tool's bridge, each where the one before it ends."""
    (name, base), *others = check.bridge()
    sums = list(accumulate((count for _, count in others), initial=0))
    low, high = min(sums), max(sums)
    return [
        BridgeStep(check.tool.name, name, base, base),
        *(
            BridgeStep(
                "", f"{'+' if count > 0 else '-'} {term}", count, base, start, end, low, high
            )
            for (term, count), (start, end) in zip(others, pairwise(sums), strict=True)
        ),
    ]


def by_network(checks: Sequence[Check]) -> list[list[Check]]:
    """Return the checks of each network, in their order."""
    return [list(group) for _, group in groupby(checks, key=lambda check: id(check.cost))]
