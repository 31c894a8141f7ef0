"""The best networks of a space: a given number, or all within a share of the best."""

from collections.abc import Callable, Iterator
from itertools import islice

from antcost.errors import AntcostError
from antcost.search.result import Candidate, SearchResult, TopK
from antcost.search.run import candidate, checked_slices, objective_of, prepare, weighed
from antcost.search.solve import enumerate_above, least_value
from antcost.search.space import Space

MAX_NETWORKS = 100_000
FIRST_STEP = 1e-5


def find_top_k(
    result: SearchResult,
    *,
    count: int | None = None,
    within: float | None = None,
    stop: Callable[[], None] = lambda: None,
) -> TopK:
    """Return the `count` best networks, or all that are at most `within` below the best.

    `within` is relative to the best one's objective. The best comes first. `stop` is called now
    and then and may raise. Raises AntcostError where the best is not proven, as then others may be
    missed, and for objectives without a chain.
    """
    space, best = result.space, result.best
    if best is None or not result.proven:
        raise AntcostError("the next best networks are known only once the best one is proven")
    require_sums(space)
    if result.solver == "milp":
        raise AntcostError("the next best networks are found only along a chain, not by MILP")
    if within is not None:
        threshold = best.worth - within * abs(best.worth)
        networks = list(_networks_above(space, threshold, None, stop))
    else:
        networks = _best_of(space, best, count or 1, stop)
    complete = count is not None or len(networks) < MAX_NETWORKS
    return TopK(tuple(sorted(networks, key=_rank)[:count]), complete)


def require_sums(space: Space) -> None:
    """Raise AntcostError for an objective whose next best networks cannot be enumerated."""
    if any(measure.largest for measure in weighed(space)):
        raise AntcostError("the next best networks are found for sums only, not for largest values")


def _rank(one: Candidate) -> tuple[float, list[int], str]:
    """Sort the highest worth first, then the cheapest."""
    return -one.worth, list(one.counts.values()), str(one.values)


def _best_of(
    space: Space, best: Candidate, count: int, stop: Callable[[], None]
) -> list[Candidate]:
    """Return at least the `count` best networks, by a threshold that falls until there are."""
    step = FIRST_STEP * (abs(best.worth) or 1.0)
    while True:
        networks = list(_networks_above(space, best.worth - step, count, stop))
        if len(networks) >= count or best.worth - step < _least_worth(space):
            return networks
        step *= 4


def _networks_above(
    space: Space, threshold: float, count: int | None, stop: Callable[[], None]
) -> Iterator[Candidate]:
    """Return networks from the threshold up; of more than `count`, some lower ones miss."""
    objective, left = objective_of(space), MAX_NETWORKS
    for part in checked_slices(space):
        prepared = prepare(space, part, objective)
        for found in islice(enumerate_above(prepared.problem, threshold, count, stop), left):
            yield candidate(prepared.chain, found, space)
            left -= 1


def _least_worth(space: Space) -> float:
    objective = objective_of(space)
    return min(
        least_value(prepare(space, part, objective).problem) for part in checked_slices(space)
    )
