"""Why no network fits: what each budget could be at least, and which budgets conflict."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import permutations

from antcost.search.bounds import Bound
from antcost.search.objective import Objective
from antcost.search.run import find_best
from antcost.search.space import Space


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one bound can be kept while the bounds `beside` it are: the count that comes nearest.

    None if no network keeps those beside it. Bounds on rho are named by their text.
    """

    bound: Bound
    beside: tuple[str, ...]
    nearest: int | None

    @property
    def kept(self) -> bool:
        """Whether the bound itself is kept there."""
        return self.nearest is not None and self.bound.allows(self.nearest)


def reaches(space: Space) -> Iterator[Reach]:
    """For each bound what is reachable at all; then beside rho and each other bound.

    The later ones only while all are kept before: what conflicts is told with as few as possible.
    """
    alone = [_reach(replace(space, bounds=(), rho=None), bound, ()) for bound in space.bounds]
    yield from alone
    if not all(reach.kept for reach in alone):
        return
    if space.rho is not None:
        beside_rho = [
            _reach(replace(space, bounds=()), bound, (f"rho <= {space.rho:g}",))
            for bound in space.bounds
        ]
        yield from beside_rho
        if not all(reach.kept for reach in beside_rho):
            return
    for bound, other in permutations(space.bounds, 2):
        yield _reach(replace(space, bounds=(other,), rho=None), bound, (str(other),))


def _reach(space: Space, bound: Bound, beside: tuple[str, ...]) -> Reach:
    """The nearest count that networks of the space come to the bound, which is none of theirs."""
    objective = Objective({bound.measure.name: -float(bound.sign)})
    best = find_best(replace(space, objective=objective)).best
    return Reach(bound, beside, None if best is None else best.counts[bound.measure.name])
