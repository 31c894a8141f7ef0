"""A search from beginning to end: every slice of the space solved, the best of all proven."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, Literal

import numpy as np

from antcost.cost.analysis import analyze_graph
from antcost.cost.budget import Bound
from antcost.cost.measures import Measure
from antcost.errors import AntcostError
from antcost.search.chain import Chain, Slice, TooManyStatesError, build_chain, slices
from antcost.search.milp import solve_milp
from antcost.search.objective import Objective
from antcost.search.problem import Problem, make_problem
from antcost.search.progress import Found, Moment, Progress, TimeUpError, rounding
from antcost.search.solve import bound_of, solve
from antcost.search.space import Space
from antcost.sources.specs.build import build_graph
from antcost.sources.specs.load import changed
from antcost.sources.specs.model import NetSpec

Solver = Literal["labels", "milp"]
Tell = Callable[["Report"], None]
MAX_SLICES = 1_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A network of the space: what is set on the base, what it costs, and what it is worth.

    `worth` is the objective, which is made large: a cost that is minimised counts negatively.
    """

    values: Mapping[str, Any]
    counts: Mapping[str, int]
    worth: float


@dataclass(slots=True)
class Report:
    """What a search has found out so far, and when it ends.

    `upper` bounds what any network within the budget can be worth. `size` is how many networks can
    be built and keep the rules, those beyond a bound on peak memory aside; `prices` says what a
    limit that is one unit higher is worth, of each bound. `history` are the bounds over time;
    `scores` are what a user's function says of each of the `near`, the best ones, in their order.
    """

    space: Space
    best: Candidate | None = None
    upper: float = inf
    near: tuple[Candidate, ...] = ()
    near_complete: bool = True
    scores: tuple[float, ...] = ()
    solver: Solver = "labels"
    size: int = 0
    ways: int = 0
    ways_eliminated: float = 0.0
    looked_at: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    prices: Mapping[Bound, float] = field(default_factory=dict)
    history: list[Moment] = field(default_factory=list)

    @property
    def chosen(self) -> Candidate:
        """The network to take: what a user's function likes most, or the best one."""
        assert self.best is not None
        return self.near[0] if self.scores else self.best

    @property
    def lower(self) -> float:
        """What the best network so far is worth."""
        return self.best.worth if self.best else -inf

    @property
    def proven(self) -> bool:
        """Whether nothing is worth more than the best one, beyond the rounding of floats."""
        return self.upper <= self.lower + rounding(self.lower, self.upper)

    @property
    def gap(self) -> float:
        """How far the bound is above the best one, relative to that; 0 if it is proven."""
        if self.proven:
            return 0.0
        return (self.upper - self.lower) / abs(self.lower) if self.lower else inf

    @property
    def eliminated(self) -> float:
        """The share of the ways through single stages that no better network can take."""
        return self.ways_eliminated / self.ways if self.ways else 0.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A slice ready to be solved, and how."""

    chain: Chain
    problem: Problem
    solver: Solver


def find_best(space: Space, *, limit_s: float = inf, part: int | None = None) -> Report:
    """The network of the space that is worth most within the budget, with a proof.

    Only in one slice if `part` is its number. Ends early at the time limit, with what is known
    then. Raises AntcostError for a space that cannot be searched.
    """
    report = Report(space)
    fill(report, limit_s=limit_s, part=part)
    return report


def fill(
    report: Report,
    *,
    limit_s: float = inf,
    part: int | None = None,
    tell: Tell = lambda _: None,
) -> None:
    """The same into a report, which has at any time what is known, also after Ctrl-C.

    `tell` is called whenever the best network or the bound has moved.
    """
    space, clock = report.space, Progress(limit_s=limit_s)
    objective = objective_of(space)
    parts = checked_slices(space)
    parts = parts if part is None else parts[part : part + 1]
    largest = [measure for measure in weighed(space) if measure.largest]
    try:
        if largest:
            _solve_largest(report, largest[0], parts, clock, tell)
        else:
            _solve_slices(report, objective, parts, clock, tell)
    except TimeUpError:
        report.interrupted = True
    finally:
        report.seconds = clock.seconds


def objective_of(space: Space) -> Objective:
    """The objective. Raises AntcostError if there is none."""
    if space.objective is None:
        raise AntcostError(
            f"{space.name}: no objective; add objective: entropy to the file, or --objective"
        )
    return space.objective


def prepare(space: Space, part: Slice, objective: Objective) -> Prepared:
    """The chain and arrays of a slice; as a linear program where rules remember too much."""
    arguments = (objective, space.bounds, space.rho, space.scores)
    try:
        chain = build_chain(space, part)
        return Prepared(chain, make_problem(chain, *arguments), "labels")
    except TooManyStatesError:
        chain = build_chain(space, part, rules=False)
        return Prepared(chain, make_problem(chain, *arguments), "milp")


def _solve_slices(
    report: Report, objective: Objective, parts: Sequence[Slice], clock: Progress, tell: Tell
) -> None:
    """Bound every slice, then solve them from the highest bound on, until the rest are below."""
    space = report.space
    bounds = [inf] * len(parts)
    if len(parts) > 1:
        for index, part in enumerate(parts):
            bounds[index] = _bounded(prepare(space, part, objective), clock)
            report.upper = max(bounds)
    for index in sorted(range(len(parts)), key=lambda i: -bounds[i]):
        rest = max((b for i, b in enumerate(bounds) if i != index), default=-inf)
        prepared = prepare(space, parts[index], objective)
        report.size += prepared.chain.size()
        report.ways += prepared.problem.size
        if bounds[index] > report.lower + rounding(report.lower, bounds[index]):
            bounds[index] = _solve_one(prepared, report, clock, max(rest, -inf), tell)
        else:
            report.ways_eliminated += prepared.problem.size
            bounds[index] = min(bounds[index], report.lower)
    report.upper = max([*bounds, report.lower])


def checked_slices(space: Space) -> list[Slice]:
    """The slices of a space. Raises AntcostError if there are too many of them."""
    number = 1
    for variable in space.outer:
        number *= len(variable.values)
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


def _solve_one(
    prepared: Prepared, report: Report, clock: Progress, rest: float, tell: Tell
) -> float:
    """Solve one slice and note what is found; returns the bound of the slice."""

    def told(moment: Moment) -> None:
        if progress.best is not None and progress.best.value > report.lower:
            report.best = candidate(prepared.chain, progress.best, report.space)
        report.upper = max(moment.upper, rest, report.lower)
        report.seconds = clock.seconds
        report.history.append(Moment(clock.seconds, report.lower, report.upper))
        tell(report)

    report.solver = prepared.solver
    progress = Progress(report.lower, clock.limit_s, told, clock.start)
    try:
        if prepared.solver == "milp":
            solve_milp(prepared.problem, progress, prepared.chain, report.space.rules)
        else:
            solve(prepared.problem, progress)
    finally:
        report.looked_at += progress.looked_at
        report.ways_eliminated += progress.eliminated * prepared.problem.size
        if progress.best is not None and progress.prices is not None:
            summed = (bound for bound in report.space.bounds if not bound.measure.largest)
            report.prices = {
                bound: bound.sign * float(price)
                for bound, price in zip(summed, progress.prices, strict=False)
            }
    return progress.upper


def _solve_largest(
    report: Report, measure: Measure, parts: Sequence[Slice], clock: Progress, tell: Tell
) -> None:
    """Find the least bound on a largest value under which there is a network, by bisection."""
    space = report.space
    chains = [build_chain(space, part) for part in parts]
    report.size, report.ways = sum(c.size() for c in chains), sum(c.ways for c in chains)
    limits = sorted(
        {
            int(count)
            for chain in chains
            for step in chain.steps
            for count in np.unique(step.ways.counts[measure.name][step.way])
        }
    )
    low, high = 0, len(limits)
    report.upper = -float(limits[0]) if limits else -inf
    while low < high:
        middle = (low + high) // 2
        bound = Bound(measure, limits[middle], False, f"<= {limits[middle]}")
        inner = Report(replace(space, bounds=(*space.bounds, bound)))
        _solve_slices(inner, Objective({}), parts, clock, lambda _: None)
        if inner.best is None:
            low = middle + 1
        else:
            worth = -inner.best.counts[measure.name]
            report.best = replace(inner.best, worth=float(worth))
            high = bisect_left(limits, -worth)
        report.upper = -float(limits[low]) if low < len(limits) else -inf
        report.looked_at += inner.looked_at
        report.history.append(Moment(clock.seconds, report.lower, report.upper))
        tell(report)


def candidate(chain: Chain, found: Found, space: Space) -> Candidate:
    """The network that a path stands for, with its counts as the sums over its ways."""
    counts = {}
    for measure in space.measures.values():
        ways = (
            int(step.ways.counts[measure.name][step.way[edge]])
            for step, edge in zip(chain.steps, found.path, strict=True)
        )
        counts[measure.name] = max(ways) if measure.largest else sum(ways)
    return Candidate(chain.values(found.path), counts, found.value)


def weighed(space: Space) -> list[Measure]:
    """The measures that the objective weighs."""
    return [space.measures[n] for n in objective_of(space).weights if n in space.measures]


def network_of(space: Space, chosen: Candidate) -> NetSpec:
    """The base with the values of a candidate. Its counts are those of the search, to the unit."""
    spec = changed(space.base, [(path, v, "") for path, v in chosen.values.items()])
    cost = analyze_graph(build_graph(spec))
    for measure in space.measures.values():
        assert measure.of(cost) == chosen.counts[measure.name], (measure.name, chosen)
    return spec
