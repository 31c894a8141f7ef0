"""Why no network fits: what each budget could be at least, and which budgets conflict."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import permutations

from antcost.blocks.build import build_graph
from antcost.blocks.registry import STAGE_MODELS
from antcost.errors import AntcostError, SpecError
from antcost.search.bounds import Bound
from antcost.search.chain import build_chain
from antcost.search.objective import Objective
from antcost.search.run import checked_slices, find_best
from antcost.search.space import Space
from antcost.spec.load import changed


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


def require_networks(space: Space) -> None:
    """Raise AntcostError, with an example, if no network of the space can be built at all."""
    free = replace(space, bounds=(), rho=None)
    if any(build_chain(free, part).steps for part in checked_slices(free)):
        return
    variables = (*space.outer, *space.variables)
    changes = [(variable.path, variable.values[0], variable.mark) for variable in variables]
    try:
        build_graph(changed(space.base, STAGE_MODELS, changes))
    except SpecError as error:
        raise AntcostError(f"{space.name}: none of its networks can be built: {error}") from None
    raise AntcostError(f"{space.name}: none of its networks can be built and keeps the rules")


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
