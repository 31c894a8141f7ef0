"""A search from beginning to end: every slice of the space solved, the best of all proven."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import inf, prod

import numpy as np

from antcost.cost.analysis import analyze_graph
from antcost.cost.budget import Bound
from antcost.cost.measures import Measure
from antcost.errors import AntcostError
from antcost.search.chain import Chain, Slice, TooManyStatesError, build_chain, slices
from antcost.search.milp import solve_milp
from antcost.search.objective import Objective
from antcost.search.parallel import run_calls
from antcost.search.problem import Problem, make_problem
from antcost.search.progress import Found, Moment, Progress, TimeUpError, rounding
from antcost.search.result import Candidate, OnProgress, SearchResult, Solver
from antcost.search.solve import bound_of, solve
from antcost.search.space import Space
from antcost.sources.specs.build import build_graph
from antcost.sources.specs.load import changed
from antcost.sources.specs.model import NetSpec

MAX_SLICES = 1_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A slice ready to be solved, and how."""

    chain: Chain
    problem: Problem
    solver: Solver


def run_search(
    space: Space,
    limit_s: float = inf,
    part: int | None = None,
    on_progress: OnProgress = lambda _: None,
) -> SearchResult:
    """Return the network of the space with the largest objective within the budget, with a proof.

    Only in one slice if `part` is its number. Ends early at the time limit, with what is known
    then. `on_progress` is called whenever the best network or the bound has moved. Raises
    AntcostError for a space that cannot be searched.
    """
    clock, objective, parts = (
        Progress(limit_s=limit_s),
        objective_of(space),
        checked_slices(space),
    )
    parts = parts if part is None else parts[part : part + 1]
    largest = [measure for measure in weighed(space) if measure.largest]
    if largest:
        result = _solve_largest(space, largest[0], parts, clock, on_progress)
    else:
        result = _solve_slices(space, objective, parts, clock, on_progress)
    return replace(result, seconds=clock.seconds)


def run_search_parallel(
    space: Space,
    limit_s: float = inf,
    *,
    workers: int = 1,
    cluster: str | None = None,
    on_progress: OnProgress = lambda _: None,
) -> SearchResult:
    """Return the same, with every slice solved by itself on one of many workers.

    The time limit is for each slice; there is no bound before all are solved.
    """
    clock, result, uppers = Progress(), SearchResult(space), []
    calls = [(space, limit_s, part) for part in range(len(checked_slices(space)))]
    for _, one in run_calls(run_search, calls, workers=workers, cluster=cluster):
        uppers.append(one.upper)
        result = _merged(result, one)
        if len(uppers) == len(calls):
            result = replace(result, upper=max(*uppers, result.lower))
        result = _noted(result, clock, on_progress)
    return result


def _merged(result: SearchResult, one: SearchResult) -> SearchResult:
    """Return the result with that of one more slice, but for the bound."""
    better = one.lower > result.lower
    return replace(
        result,
        best=one.best if better else result.best,
        prices=one.prices if better else result.prices,
        solver="milp" if "milp" in (result.solver, one.solver) else "labels",
        size=result.size + one.size,
        transitions=result.transitions + one.transitions,
        eliminated=result.eliminated + one.eliminated,
        examined=result.examined + one.examined,
        interrupted=result.interrupted or one.interrupted,
    )


def _noted(result: SearchResult, clock: Progress, on_progress: OnProgress) -> SearchResult:
    """Return the result with its bounds in the history, and report it."""
    moment = Moment(clock.seconds, result.lower, result.upper)
    result = replace(result, seconds=moment.seconds, history=(*result.history, moment))
    on_progress(result)
    return result


def objective_of(space: Space) -> Objective:
    """Return the objective. Raises AntcostError if there is none."""
    if space.objective is None:
        raise AntcostError(
            f"{space.name}: no objective; add objective: entropy to the file, or --objective"
        )
    return space.objective


def prepare(space: Space, part: Slice, objective: Objective) -> Prepared:
    """Return the chain and arrays of a slice; for a MILP where rules have too many states."""
    arguments = (objective, space.bounds, space.rho, space.scores)
    try:
        chain = build_chain(space, part)
        return Prepared(chain, make_problem(chain, *arguments), "labels")
    except TooManyStatesError:
        chain = build_chain(space, part, rules=False)
        return Prepared(chain, make_problem(chain, *arguments), "milp")


def _solve_slices(
    space: Space,
    objective: Objective,
    parts: Sequence[Slice],
    clock: Progress,
    on_progress: OnProgress,
) -> SearchResult:
    """Bound every slice, then solve them from the highest bound on, until the rest are below."""
    bounds = [inf] * len(parts)
    try:
        if len(parts) > 1:
            bounds = [_bounded(prepare(space, part, objective), clock) for part in parts]
    except TimeUpError:
        return SearchResult(space, interrupted=True)
    solved = latest = SearchResult(space)

    def publish(one: SearchResult) -> None:
        nonlocal latest
        bounds[index] = one.upper
        merged = _merged(solved, one)
        merged = replace(merged, upper=max(*bounds, merged.lower), history=latest.history)
        latest = _noted(merged, clock, on_progress)

    for index in sorted(range(len(parts)), key=lambda i: -bounds[i]):
        prepared, bound = prepare(space, parts[index], objective), bounds[index]
        if bound > solved.lower + rounding(solved.lower, bound):
            one = _solve_one(
                _bounded_slice(space, prepared, bound), prepared, solved.lower, clock, publish
            )
        else:
            one = _bounded_slice(space, prepared, min(bound, solved.lower))
        bounds[index] = one.upper
        solved = replace(_merged(solved, one), history=latest.history)
        if solved.interrupted:
            break
    return replace(solved, upper=max([*bounds, solved.lower]))


def checked_slices(space: Space) -> list[Slice]:
    """Return the slices of a space. Raises AntcostError if there are too many of them."""
    number = prod(len(variable.values) for variable in space.outer)
    if number > MAX_SLICES:
        raise AntcostError(
            f"{space.name}: {number:,} combinations of {', '.join(v.path for v in space.outer)} "
            f"are more than {MAX_SLICES:,}; leave some values out"
        )
    return list(slices(space))


def _bounded(prepared: Prepared, clock: Progress) -> float:
    if prepared.solver == "milp":
        return inf
    progress = Progress(limit_s=clock.limit_s, start=clock.start)
    bound_of(prepared.problem, progress)
    return progress.upper


def _bounded_slice(space: Space, prepared: Prepared, upper: float) -> SearchResult:
    """Return what is known of a slice before it is solved; all is eliminated if it never is."""
    size, transitions = prepared.chain.size(), prepared.problem.size
    return SearchResult(
        space, None, upper, prepared.solver, size, transitions, eliminated=transitions
    )


def _solve_one(
    before: SearchResult,
    prepared: Prepared,
    floor: float,
    clock: Progress,
    on_progress: OnProgress,
) -> SearchResult:
    """Solve one slice for networks better than the floor; `before` is what is known of it."""
    space = before.space
    network_at = cache(lambda found: candidate(prepared.chain, found, space))

    def known() -> SearchResult:
        prices = () if progress.best is None or progress.prices is None else progress.prices
        summed = (bound for bound in space.bounds if not bound.measure.largest)
        return replace(
            before,
            best=network_at(progress.best) if progress.best else None,
            upper=min(progress.upper, before.upper),
            eliminated=progress.eliminated * before.transitions,
            examined=progress.examined,
            prices={
                bound: bound.sign * float(price)
                for bound, price in zip(summed, prices, strict=False)
            },
        )

    progress = Progress(floor, clock.limit_s, lambda: on_progress(known()), clock.start)
    try:
        if prepared.solver == "milp":
            solve_milp(prepared.problem, progress, prepared.chain, space.rules)
        else:
            solve(prepared.problem, progress)
    except TimeUpError:
        return replace(known(), interrupted=True)
    return known()


def _solve_largest(
    space: Space,
    measure: Measure,
    parts: Sequence[Slice],
    clock: Progress,
    on_progress: OnProgress,
) -> SearchResult:
    """Find the least bound on a largest value under which there is a network, by bisection."""
    chains = [build_chain(space, part) for part in parts]
    counts = [step.arcs.counts[measure.name][step.arc] for c in chains for step in c.steps]
    limits = np.unique(np.concatenate(counts)).tolist() if counts else []
    result = SearchResult(
        space,
        size=sum(chain.size() for chain in chains),
        transitions=sum(chain.transitions for chain in chains),
    )
    low, high = 0, len(limits)
    while low < high and not result.interrupted:
        middle = (low + high) // 2
        bound = Bound(measure, limits[middle], False, f"<= {limits[middle]}")
        bounded = replace(space, bounds=(*space.bounds, bound))
        inner = _solve_slices(bounded, Objective({}), parts, clock, lambda _: None)
        best = result.best
        if inner.best is not None:
            worth = -inner.best.counts[measure.name]
            best, high = replace(inner.best, worth=float(worth)), bisect_left(limits, -worth)
        elif not inner.interrupted:
            low = middle + 1
        result = replace(
            result,
            best=best,
            upper=-float(limits[low]) if low < len(limits) else -inf,
            examined=result.examined + inner.examined,
            interrupted=inner.interrupted,
        )
        result = _noted(result, clock, on_progress)
    return result if limits else replace(result, upper=-inf)


def candidate(chain: Chain, found: Found, space: Space) -> Candidate:
    """Return the network that a path stands for, with its counts."""
    arcs = [step.arc[edge] for step, edge in zip(chain.steps, found.path, strict=True)]
    counts = {measure.name: int(chain.count(measure, arcs)) for measure in space.measures.values()}
    return Candidate(chain.values(found.path), counts, found.value)


def weighed(space: Space) -> list[Measure]:
    """Return the measures that the objective weighs."""
    return [space.measures[n] for n in objective_of(space).weights if n in space.measures]


def network_of(space: Space, chosen: Candidate) -> NetSpec:
    """Return the base with the values of a candidate, which costs what the search has counted."""
    spec = changed(space.base, [(path, v, "") for path, v in chosen.values.items()])
    cost = analyze_graph(build_graph(spec))
    for measure in space.measures.values():
        assert measure.of(cost) == chosen.counts[measure.name], (measure.name, chosen)
    return spec
