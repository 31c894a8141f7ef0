"""The best path of a problem, with a proof; the next best ones; or as far as the time allows.

Prices bound what any path can be worth. Labels are then enumerated above a threshold just below
that bound: what is found there is best, and if nothing is found, the threshold is the new bound.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import gcd, inf

import numpy as np

from antcost.search.labels import Labels, Tree, beam, make_tree, paths_above, within_rho
from antcost.search.problem import Problem, restricted, with_rho_cost, without_dominated
from antcost.search.relaxation import (
    Grid,
    Prices,
    bound_ahead,
    cutting_planes,
    make_grids,
    possible,
)
from antcost.search.ways import FloatArray

PRICE_SETS = 6
MAX_PATHS = 100_000
RELATIVE_ROUNDING = 1e-11
FIRST_DEPTH = 1e-4
RHO_ROUNDS = 3


class TimeUpError(Exception):
    """The time limit is over."""


@dataclass(frozen=True, slots=True)
class Found:
    """A path within the limits: the way it takes in each of the chain's steps, and its value."""

    path: tuple[int, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Moment:
    """The bounds at one time: the best value found and the most that is possible."""

    seconds: float
    lower: float
    upper: float


@dataclass(slots=True)
class Progress:
    """What a search knows while it runs. `tell` is called whenever a bound has moved.

    Only what is worth more than `floor` is looked for. `looked_at` counts the paths that were
    followed to their end, `eliminated` is the share of ways that no better path can take.
    """

    floor: float = -inf
    limit_s: float = inf
    tell: Callable[[Moment], None] = lambda _: None
    start: float = field(default_factory=time.perf_counter)
    best: Found | None = None
    upper: float = inf
    prices: FloatArray | None = None
    history: list[Moment] = field(default_factory=list)
    eliminated: float = 0.0
    looked_at: int = 0

    @property
    def lower(self) -> float:
        """The value of the best path so far, or the floor."""
        return self.best.value if self.best else self.floor

    @property
    def rounding(self) -> float:
        """What is within the rounding of sums of floating-point numbers."""
        return rounding(self.lower, self.upper)

    @property
    def proven(self) -> bool:
        """Whether no path is worth more than the best one, or than the floor, beyond rounding."""
        return self.upper <= self.lower + self.rounding

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.start

    def stop_in_time(self) -> None:
        """Raise TimeUpError once the time limit is over."""
        if self.seconds > self.limit_s:
            raise TimeUpError

    def found(self, one: Found) -> None:
        """Keep a path if it is the best so far."""
        if one.value > self.lower:
            self.best = one
            self.upper = max(self.upper, one.value)
            self._note()

    def bounded(self, upper: float) -> None:
        """No path is worth more than this."""
        if upper < self.upper:
            self.upper = max(upper, self.lower)
            self._note()

    def _note(self) -> None:
        self.history.append(Moment(self.seconds, self.lower, self.upper))
        self.tell(self.history[-1])


def rounding(*values: float) -> float:
    """What sums of floating-point numbers of this size may be wrong by, with room to spare."""
    return RELATIVE_ROUNDING * max([1.0, *(abs(value) for value in values if abs(value) < inf)])


def solve(problem: Problem, progress: Progress) -> None:
    """Find the path that is worth most and prove it; what is known is in `progress` at any time.

    If no path is within the limits, `progress` ends proven and without a best one. Raises
    TimeUpError at the time limit.
    """
    if not problem.size:
        progress.bounded(-inf)
        return
    reduced, grids, prices = _priced(without_dominated(problem), progress)
    if not progress.proven:
        _note_all(beam(make_tree(reduced, grids, prices), progress.lower), reduced, progress)
        reduced = _without_hopeless(reduced, grids, prices, progress.lower)
        progress.eliminated = 1 - reduced.size / problem.size
    if reduced.size and not progress.proven:
        reduced, grids, prices = _priced(reduced, progress)
        _deepen(reduced, grids, prices, progress)
    progress.bounded(progress.lower)


def bound_of(problem: Problem, progress: Progress) -> None:
    """Bound what any path can be worth, without a search for the best. Raises TimeUpError."""
    if problem.size:
        _priced(problem, progress)
    else:
        progress.bounded(-inf)


def _priced(problem: Problem, progress: Progress) -> tuple[Problem, tuple[Grid, ...], list[Prices]]:
    """The problem with rho as a cost, if it is bounded, and the best sets of prices for it.

    The tangent that stands for rho is laid where the best path has its depth.
    """
    depth = _middle_depth(problem)
    for _ in range(1 if problem.rho is None else RHO_ROUNDS):
        relaxed = problem if problem.rho is None else with_rho_cost(problem, depth)
        grids = make_grids(relaxed)
        tried = []
        for priced, path in cutting_planes(relaxed, grids, progress.stop_in_time):
            tried.append((priced, path))
            progress.bounded(_on_lattice(problem, priced.bound))
            one = followed(problem, path.ways)
            if one is not None:
                progress.found(one)
            if progress.proven or priced.bound < least_value(problem):
                break
        tried.sort(key=lambda both: both[0].bound)
        best, path = tried[0]
        if best.bound < least_value(problem):
            progress.bounded(-inf)
        if progress.proven:
            break
        reached = _depth(problem, path.ways)
        if abs(reached - depth) < 1:
            break
        depth = reached
    progress.prices = best.prices[: len(problem.limits)]
    return relaxed, grids, [priced for priced, _ in tried[:PRICE_SETS]]


def _deepen(
    problem: Problem, grids: tuple[Grid, ...], prices: list[Prices], progress: Progress
) -> None:
    """Enumerate what is worth more than a threshold that falls from the bound to the best path."""
    least = least_value(problem)
    gap = progress.upper - max(progress.lower, least)
    step = max(gap / 8 if progress.lower > -inf else gap * FIRST_DEPTH, progress.rounding)
    while not progress.proven:
        threshold = max(progress.lower, progress.upper - step)
        _enumerate(
            _without_hopeless(problem, grids, prices, threshold), prices, threshold, progress
        )
        if progress.lower > threshold:
            progress.bounded(progress.lower)
        progress.bounded(_on_lattice(problem, threshold))
        if threshold < least:
            progress.bounded(progress.lower)
        step *= 2


def _enumerate(
    problem: Problem, prices: Sequence[Prices], threshold: float, progress: Progress
) -> None:
    """Look at every path that is worth more than the threshold, and more than the best so far."""

    def worth() -> float:
        return max(threshold, progress.lower) + progress.rounding

    if problem.size:
        for labels in paths_above(_tree(problem, prices), worth, progress.stop_in_time):
            _note_all(labels, problem, progress)


def enumerate_above(
    problem: Problem, threshold: float, count: int | None = None
) -> Iterator[Found]:
    """Every path within the limits that is worth at least `threshold`, in no order.

    With `count`, those that are not among the `count` best may be left out.
    """
    if not problem.size:
        return
    relaxed, grids, prices = _priced(problem, Progress())
    kept = _without_hopeless(relaxed, grids, prices, threshold - rounding(threshold))
    if not kept.size:
        return
    best: FloatArray = np.empty(0)

    def worth() -> float:
        enough = count is not None and len(best) == count
        return max(threshold, best.min() if enough else -inf) - rounding(threshold)

    for labels in paths_above(_tree(kept, prices), worth, lambda: None):
        chosen = labels.take(labels.value >= threshold)
        if count is not None:
            best = np.sort(np.concatenate([best, chosen.value]))[-count:]
        for path, value in zip(_paths(kept, chosen), chosen.value, strict=True):
            yield Found(path, float(value))


def _tree(problem: Problem, prices: Sequence[Prices]) -> Tree:
    """The tree of a reduced problem, its bounds computed anew for its own nodes and grids."""
    grids = make_grids(problem)
    return make_tree(problem, grids, [bound_ahead(problem, grids, p.prices) for p in prices])


def _without_hopeless(
    problem: Problem, grids: tuple[Grid, ...], prices: Sequence[Prices], threshold: float
) -> Problem:
    """The problem without ways that no path worth more than the threshold takes."""
    kept = [np.ones(len(layer), dtype=bool) for layer in problem.layers]
    for priced in prices:
        for keep, more in zip(kept, possible(problem, grids, priced, threshold), strict=True):
            keep &= more
    return restricted(problem, kept)


def followed(problem: Problem, ways: Sequence[int]) -> Found | None:
    """The path of these ways of the layers, or None if it is not within the limits."""
    entropy = depth = value = 0.0
    costs, within = np.zeros(len(problem.limits)), True
    for layer, way in zip(problem.layers, ways, strict=True):
        entropy += float(layer.gain[way])
        depth += float(layer.depth[way])
        value += float(layer.score[way] + layer.weight[layer.target[way]] * entropy)
        costs += layer.costs[way]
        if layer.ends_scale and problem.rho is not None:
            within &= bool(within_rho(np.array(entropy), np.array(depth), problem.rho))
    if not within or (costs > problem.limits).any():
        return None
    edges = (int(layer.edge[way]) for layer, way in zip(problem.layers, ways, strict=True))
    return Found(tuple(edges), value)


def _note_all(labels: Labels, problem: Problem, progress: Progress) -> None:
    """Count complete paths, and keep the best."""
    progress.looked_at += len(labels)
    if len(labels):
        best = int(np.argmax(labels.value))
        (path,) = _paths(problem, labels.take(slice(best, best + 1)))
        progress.found(Found(path, float(labels.value[best])))


def _paths(problem: Problem, labels: Labels) -> list[tuple[int, ...]]:
    """The ways of each path, as edges of the chain's steps."""
    columns = [layer.edge[way] for layer, way in zip(problem.layers, labels.ways.T, strict=True)]
    return [tuple(map(int, row)) for row in np.column_stack(columns)]


def _depth(problem: Problem, ways: Sequence[int]) -> float:
    return sum(float(layer.depth[way]) for layer, way in zip(problem.layers, ways, strict=True))


def _middle_depth(problem: Problem) -> float:
    """Half of the way from the least to the largest number of convolutions."""
    low = sum(float(layer.depth.min()) for layer in problem.layers)
    high = sum(float(layer.depth.max()) for layer in problem.layers)
    return max((low + high) / 2, 1.0)


def least_value(problem: Problem) -> float:
    """What every path is worth at least: entropy weighs nothing or more."""
    return sum(float(layer.score.min()) for layer in problem.layers)


def _on_lattice(problem: Problem, bound: float) -> float:
    """The largest value below a bound that sums of integer scores can have.

    Within a layer they differ by multiples of one number, so the sums do, too.
    """
    if problem.bilinear or not abs(bound) < inf:
        return bound
    scores = [layer.score for layer in problem.layers]
    if any((score != np.rint(score)).any() for score in scores):
        return bound
    step = gcd(*(int(each) for score in scores for each in np.unique(score - score[0])))
    offset = sum(float(score[0]) for score in scores)
    return offset + (bound - offset + rounding(bound)) // step * step if step else offset
