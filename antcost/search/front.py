"""The Pareto front: the best network for each of many budgets."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import inf

from antcost.cost.budget import Bound
from antcost.cost.measures import Measure
from antcost.errors import AntcostError
from antcost.search.chain import build_chain, slices
from antcost.search.objective import SCORES, Objective
from antcost.search.parallel import run_calls
from antcost.search.problem import make_problem
from antcost.search.result import Candidate
from antcost.search.run import candidate, objective_of, run_search, weighed
from antcost.search.solve import followed
from antcost.search.space import Space
from antcost.sources.specs.catalog import shipped_names
from antcost.sources.specs.load import load
from antcost.sources.specs.model import NetSpec

MAX_AXES = 2


@dataclass(frozen=True, slots=True)
class FrontPoint:
    """The best network under one budget; none if there is none, or none was found in time.

    `limits` has one for each axis; `upper` bounds what any network under them is worth.
    """

    limits: tuple[int, ...]
    best: Candidate | None
    upper: float
    proven: bool


@dataclass(frozen=True, slots=True)
class ReferenceNetwork:
    """A network that exists, beside a front: what it costs, and what it is worth."""

    name: str
    network: Candidate


@dataclass(frozen=True, slots=True)
class Front:
    """The points of a front over the budget of one or two measures, from the least on."""

    space: Space
    axes: tuple[Measure, ...]
    points: tuple[FrontPoint, ...]
    marks: tuple[ReferenceNetwork, ...]


def limits_along(space: Space, measure: Measure, count: int) -> list[int]:
    """Return budgets from the least cost of a network within the others to that of the best.

    The most is the space's own bound, where that is less. Evenly spaced integers, without
    repetitions. Raises AntcostError if no network is within the other budgets.
    """
    free = without_bound(space, measure)
    cheapest = run_search(replace(free, objective=Objective({measure.name: -1.0}))).best
    if cheapest is None:
        raise AntcostError(f"{space.name}: no network is within the other budgets")
    best = run_search(free).best
    assert best is not None
    own = [b.limit for b in space.bounds if b.measure.name == measure.name and not b.lower]
    least, most = cheapest.counts[measure.name], min([best.counts[measure.name], *own])
    steps = max(count - 1, 1)
    return sorted({least + max(most - least, 0) * i // steps for i in range(count)})


def without_bound(space: Space, measure: Measure) -> Space:
    """Return the space without its upper bounds on this measure."""
    kept = (b for b in space.bounds if b.measure.name != measure.name or b.lower)
    return replace(space, bounds=tuple(kept))


def bounded(space: Space, axes: Sequence[Measure], limits: Sequence[int]) -> Space:
    """Return the space with these limits in place of its own upper bounds on the axes."""
    for measure, limit in zip(axes, limits, strict=True):
        bound = Bound(measure, limit, False, f"<= {limit:,}")
        space = without_bound(space, measure)
        space = replace(space, bounds=(*space.bounds, bound))
    return space


def budgets_of(space: Space, axes: Sequence[Measure], count: int) -> list[tuple[int, ...]]:
    """Return the budgets of a front: `count` of each axis, in every combination.

    Raises AntcostError for more than MAX_AXES, and if no network is within the other budgets.
    """
    if len(axes) > MAX_AXES or len({measure.name for measure in axes}) < len(axes):
        names = ", ".join(measure.name for measure in axes)
        raise AntcostError(f"a front has at most {MAX_AXES} different axes, got {names}")
    return list(product(*(limits_along(space, measure, count) for measure in axes)))


def find_point(
    space: Space, axes: Sequence[Measure], limits: tuple[int, ...], limit_s: float
) -> FrontPoint:
    """Return the best network under one budget, proven unless the time limit ends it."""
    result = run_search(bounded(space, axes, limits), limit_s)
    return FrontPoint(limits, result.best, result.upper, result.proven)


def front_points(
    space: Space,
    axes: Sequence[Measure],
    budgets: Sequence[tuple[int, ...]],
    *,
    limit_s: float = inf,
    workers: int = 1,
    cluster: str | None = None,
) -> Iterator[FrontPoint]:
    """Yield the points of a front in the order they are finished; `limit_s` is for each of them."""
    calls = [(space, axes, limits, limit_s) for limits in budgets]
    for _, point in run_calls(find_point, calls, workers=workers, cluster=cluster):
        yield point


def evaluate(space: Space, network: NetSpec) -> Candidate:
    """Return what a network costs, and what it is worth by the objective of the space.

    Raises AntcostError for a network whose stages do not form a chain or have other scales, and
    where the objective is a table of scores for the choices of the space.
    """
    objective = objective_of(space)
    if SCORES in objective.weights:
        raise AntcostError("scores are of the choices of a space, not of other networks")
    alone = replace(
        space,
        sources=replace(space.sources, base=network),
        variables=(), outer=(), rules=(), bounds=(), rho=None, scores=(),
    )  # fmt: skip
    (part,) = slices(alone)
    chain = build_chain(alone, part)
    found = followed(make_problem(chain, objective, ()), [0] * len(chain.steps))
    assert found is not None
    known = candidate(chain, found, alone)
    largest = [measure.name for measure in weighed(space) if measure.largest]
    return replace(known, worth=-float(known.counts[largest[0]])) if largest else known


def reference_networks(space: Space) -> Iterator[ReferenceNetwork]:
    """Return the base, and shipped networks with figures for the same images and classes.

    Those that the objective says nothing of are left out.
    """
    shipped = (load(name) for name in shipped_names())
    published = (
        network
        for network in shipped
        if (network.input, network.classes) == (space.base.input, space.base.classes)
        and network.published
        and network.name != space.base.name
    )
    for network in (space.base, *published):
        with contextlib.suppress(AntcostError):
            yield ReferenceNetwork(network.name, evaluate(space, network))
