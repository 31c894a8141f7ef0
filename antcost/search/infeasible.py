"""Why no network fits: what each budget could be at least, and which budgets conflict."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from antcost.cost.budget import Bound
from antcost.cost.measures import Measure
from antcost.errors import AntcostError, SpecError
from antcost.search.chain import build_chain
from antcost.search.objective import Objective
from antcost.search.run import checked_slices, run_search
from antcost.search.space import RHO, Space
from antcost.sources.specs.build import build_graph
from antcost.sources.specs.load import changed

MOST_RHO = 100.0
RHO_PRECISION = 0.01


@dataclass(frozen=True, slots=True)
class BoundDiagnosis:
    """How far one bound can be kept while those `beside` it are: the number that comes nearest.

    `measure` is None for rho. `nearest` is None if no network keeps those beside it.
    """

    bound: str
    measure: Measure | None
    beside: tuple[str, ...]
    nearest: float | None
    kept: bool


def require_networks(space: Space) -> None:
    """Raise AntcostError, with an example, if no network of the space can be built at all."""
    free = replace(space, bounds=(), rho=None)
    if any(build_chain(free, part).steps for part in checked_slices(free)):
        return
    variables = (*space.outer, *space.variables)
    changes = [(variable.path, variable.values[0], variable.mark) for variable in variables]
    try:
        build_graph(changed(space.base, changes))
    except SpecError as error:
        raise AntcostError(f"{space.name}: none of its networks can be built: {error}") from None
    raise AntcostError(f"{space.name}: none of its networks can be built and keeps the rules")


def diagnose_bounds(space: Space) -> Iterator[BoundDiagnosis]:
    """Yield what each bound can reach by itself; if all hold, a smallest set that conflicts."""
    alone = [_reach(space, bound, ()) for bound in _all_bounds(space)]
    yield from alone
    if not all(reach.kept for reach in alone):
        return
    conflicting = _all_bounds(space)
    for bound in _all_bounds(space):
        others = [other for other in conflicting if other != bound]
        if run_search(_only(space, others, Objective({}))).best is None:
            conflicting = others
    for bound in conflicting:
        yield _reach(space, bound, [other for other in conflicting if other != bound])


def _all_bounds(space: Space) -> list[Bound | float]:
    """Return the bounds on measures, and that on rho as a number."""
    return [*space.bounds, *([] if space.rho is None else [space.rho])]


def _only(space: Space, bounds: Sequence[Bound | float], objective: Objective) -> Space:
    """Return the space with these bounds and no others."""
    counted = tuple(bound for bound in bounds if isinstance(bound, Bound))
    rho = next((bound for bound in bounds if not isinstance(bound, Bound)), None)
    return replace(space, bounds=counted, rho=rho, objective=objective)


def _reach(space: Space, bound: Bound | float, beside: Sequence[Bound | float]) -> BoundDiagnosis:
    """Return how near networks that keep the bounds beside can come to this one."""
    texts = tuple(map(_text, beside))
    if not isinstance(bound, Bound):
        nearest = _least_rho(space, beside, bound)
        return BoundDiagnosis(
            _text(bound), None, texts, nearest, nearest is not None and nearest <= bound
        )
    objective = Objective({bound.measure.name: -float(bound.sign)})
    best = run_search(_only(space, beside, objective)).best
    count = None if best is None else best.counts[bound.measure.name]
    kept = count is not None and bound.allows(count)
    return BoundDiagnosis(_text(bound), bound.measure, texts, count, kept)


def _text(bound: Bound | float) -> str:
    return str(bound) if isinstance(bound, Bound) else f"{RHO} <= {bound:g}"


def _least_rho(space: Space, beside: Sequence[Bound | float], bound: float) -> float | None:
    """Return the least bound on rho that a network keeps, to one percent; or the kept bound."""

    def feasible(rho: float) -> bool:
        return run_search(_only(space, [*beside, rho], Objective({}))).best is not None

    if feasible(bound):
        return bound
    if not feasible(MOST_RHO):
        return None
    low, high = bound, MOST_RHO
    while high > low * (1 + RHO_PRECISION):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if feasible(middle) else (middle, high)
    return high
