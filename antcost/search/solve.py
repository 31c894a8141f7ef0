"""The best path of a problem, with a proof; the next best ones; or as far as the time allows.

Prices bound what any path can be worth. Labels are then enumerated above a threshold just below
that bound: what is found there is best, and if nothing is found, the threshold is the new bound.
"""

from collections.abc import Callable, Iterator, Sequence
from math import gcd, inf

import numpy as np

from antcost.search.arrays import BoolArray, FloatArray, take
from antcost.search.labels import Labels, beam, make_tree, paths_above, within_rho
from antcost.search.problem import (
    Problem,
    by_depth,
    restricted,
    with_rho_cost,
    without_dominated,
)
from antcost.search.progress import Found, Progress, rounding
from antcost.search.relaxation import (
    COARSE,
    FINE,
    Grid,
    Prices,
    best_path,
    bound_ahead,
    cutting_planes,
    make_grids,
    possible,
)

PRICE_SETS = 4
FIRST_DEPTH = 1e-4
RHO_ROUNDS = 3


def solve(problem: Problem, progress: Progress) -> None:
    """Find the path that is worth most and prove it; what is known is in `progress` at any time.

    If no path is within the limits, `progress` ends proven and without a best one. Raises
    TimeUpError at the time limit.
    """
    if not problem.size:
        progress.bounded(-inf)
        return
    original = without_dominated(problem)
    reduced, grids, prices = _priced(original, progress)
    if not progress.proven:
        _note_all(beam(make_tree(reduced, grids, prices), progress.lower), reduced, progress)
        kept = _hopeful(reduced, grids, prices, progress.lower)
        original = restricted(original, kept)
        progress.eliminated = 1 - original.size / problem.size
    if not progress.proven:
        _solve_parts(_parts(original), progress)
    progress.bounded(progress.lower)


def _parts(problem: Problem) -> list[Problem]:
    """Return the parts that have prices of their own: with rho, the paths of one depth."""
    if not problem.size:
        return []
    return [problem] if problem.rho is None else by_depth(problem)


def _solve_parts(problems: Sequence[Problem], progress: Progress) -> None:
    """Bound each part, then enumerate all above a threshold that falls from the highest bound."""
    parts = []
    for problem in problems:
        own = Progress(progress.lower, progress.limit_s, start=progress.start)
        parts.append((problem, *_cheapest_prices(problem, own), own.upper))
        if own.best is not None:
            progress.found(own.best)
            progress.prices = own.prices
    parts.sort(key=lambda part: -part[-1])
    progress.bounded(max((part[-1] for part in parts), default=-inf))
    least = min((least_value(problem) for problem in problems), default=-inf)
    gap = progress.upper - max(progress.lower, least)
    step = max(gap / 8 if progress.lower > -inf else gap * FIRST_DEPTH, progress.rounding)
    while not progress.proven:
        threshold = max(progress.lower, progress.upper - step)
        for problem, grids, prices, upper in parts:
            best = progress.best
            if upper > threshold:
                kept = restricted(problem, _hopeful(problem, grids, prices, threshold))
                _enumerate(kept, prices, threshold, progress)
            if progress.best is not best:
                progress.prices = prices[0].prices
        if progress.lower > threshold or threshold < least:
            progress.bounded(progress.lower)
        progress.bounded(max(_on_lattice(problem, threshold) for problem in problems))
        step *= 2


def bound_of(problem: Problem, progress: Progress) -> None:
    """Bound what any path can be worth, without a search for the best. Raises TimeUpError."""
    if problem.size:
        _priced(problem, progress)
    else:
        progress.bounded(-inf)


def _priced(problem: Problem, progress: Progress) -> tuple[Problem, tuple[Grid, ...], list[Prices]]:
    """Return the problem with rho as a cost, if it is bounded, and the best sets of prices for it.

    The tangent that stands for rho is laid where the best path has its depth.
    """
    if problem.rho is None:
        return problem, *_cheapest_prices(problem, progress)
    depth = _middle_depth(problem)
    for _ in range(RHO_ROUNDS):
        relaxed = with_rho_cost(problem, depth)
        grids, prices = _cheapest_prices(relaxed, progress)
        reached = _depth(problem, best_path(relaxed, grids, prices[0]).arcs)
        if progress.proven or abs(reached - depth) < 1:
            break
        depth = reached
    return relaxed, grids, prices


def _cheapest_prices(problem: Problem, progress: Progress) -> tuple[tuple[Grid, ...], list[Prices]]:
    """Return the sets of prices with the lowest bounds, the lowest first."""
    grids, least = make_grids(problem, COARSE), least_value(problem)
    tried = []
    for priced, path in cutting_planes(problem, grids, progress.stop_in_time):
        tried.append(priced)
        progress.bounded(_on_lattice(problem, priced.bound))
        one = followed(problem, path.arcs)
        if one is not None:
            progress.found(one)
        if priced.bound < least:
            progress.bounded(-inf)
        if progress.proven:
            break
    tried = sorted(tried, key=lambda priced: priced.bound)[:PRICE_SETS]
    progress.prices = tried[0].prices
    if progress.proven or not problem.bilinear:
        return grids, tried
    return _on_fine_grids(problem, tried)


def _on_fine_grids(
    problem: Problem, prices: Sequence[Prices]
) -> tuple[tuple[Grid, ...], list[Prices]]:
    """Return the same prices with bounds on a fine grid, or on the nodes of a reduced problem."""
    grids = make_grids(problem, FINE)
    return grids, [bound_ahead(problem, grids, priced.prices) for priced in prices]


def _enumerate(
    problem: Problem, prices: Sequence[Prices], threshold: float, progress: Progress
) -> None:
    """Look at every path that is worth more than the threshold, and more than the best so far."""

    def worth() -> float:
        return max(threshold, progress.lower) + progress.rounding

    if problem.size:
        tree = make_tree(problem, *_on_fine_grids(problem, prices))
        for labels in paths_above(tree, worth, progress.stop_in_time):
            _note_all(labels, problem, progress)


def enumerate_above(
    problem: Problem,
    threshold: float,
    count: int | None = None,
    stop: Callable[[], None] = lambda: None,
) -> Iterator[Found]:
    """Yield every path within the limits that is worth at least `threshold`, in no order.

    With `count`, those that are not among the `count` best may be left out. `stop` is called now
    and then and may raise.
    """
    if not problem.size:
        return
    least = threshold - rounding(threshold)
    relaxed, grids, prices = _priced(problem, Progress())
    best: FloatArray = np.empty(0)

    def worth() -> float:
        enough = count is not None and len(best) == count
        return max(least, best.min() - rounding(least) if enough else -inf)

    for part in _parts(restricted(problem, _hopeful(relaxed, grids, prices, least))):
        part_grids, part_prices = _cheapest_prices(part, Progress(worth()))
        kept = restricted(part, _hopeful(part, part_grids, part_prices, worth()))
        if not kept.size:
            continue
        tree = make_tree(kept, *_on_fine_grids(kept, part_prices))
        for labels in paths_above(tree, worth, stop):
            chosen = take(labels, labels.value >= threshold)
            if count is not None:
                best = np.sort(np.concatenate([best, chosen.value]))[-count:]
            for path, value in zip(_paths(kept, chosen), chosen.value, strict=True):
                yield Found(path, float(value))


def _hopeful(
    problem: Problem, grids: tuple[Grid, ...], prices: Sequence[Prices], threshold: float
) -> list[BoolArray]:
    """Return for each layer the arcs that some path worth more than the threshold may take."""
    kept = [np.ones(len(layer), dtype=bool) for layer in problem.layers]
    for priced in prices:
        for keep, more in zip(kept, possible(problem, grids, priced, threshold), strict=True):
            keep &= more
    return kept


def followed(problem: Problem, arcs: Sequence[int]) -> Found | None:
    """Return the path of these arcs of the layers, or None if it is not within the limits."""
    entropy = depth = value = 0.0
    costs, within = np.zeros(len(problem.limits)), True
    for layer, arc in zip(problem.layers, arcs, strict=True):
        entropy += float(layer.gain[arc])
        depth += float(layer.depth[arc])
        value += float(layer.score[arc] + layer.weight[layer.target[arc]] * entropy)
        costs += layer.costs[arc]
        if layer.ends_scale and problem.rho is not None:
            within &= bool(within_rho(np.array(entropy), np.array(depth), problem.rho))
    if not within or (costs > problem.limits).any():
        return None
    edges = (int(layer.edge[arc]) for layer, arc in zip(problem.layers, arcs, strict=True))
    return Found(tuple(edges), value)


def _note_all(labels: Labels, problem: Problem, progress: Progress) -> None:
    """Count complete paths, and keep the best."""
    progress.examined += len(labels)
    if len(labels):
        best = int(np.argmax(labels.value))
        (path,) = _paths(problem, take(labels, slice(best, best + 1)))
        progress.found(Found(path, float(labels.value[best])))


def _paths(problem: Problem, labels: Labels) -> list[tuple[int, ...]]:
    """Return the arcs of each path, as edges of the chain's steps."""
    columns = [layer.edge[arc] for layer, arc in zip(problem.layers, labels.arcs.T, strict=True)]
    return [tuple(map(int, row)) for row in np.column_stack(columns)]


def _depth(problem: Problem, arcs: Sequence[int]) -> float:
    return sum(float(layer.depth[arc]) for layer, arc in zip(problem.layers, arcs, strict=True))


def _middle_depth(problem: Problem) -> float:
    """Return half of the way from the least to the largest number of convolutions."""
    low = sum(float(layer.depth.min()) for layer in problem.layers)
    high = sum(float(layer.depth.max()) for layer in problem.layers)
    return max((low + high) / 2, 1.0)


def least_value(problem: Problem) -> float:
    """Return what every path is worth at least: entropy weighs nothing or more."""
    return sum(float(layer.score.min()) for layer in problem.layers)


def _on_lattice(problem: Problem, bound: float) -> float:
    """Return the largest value below a bound that sums of integer scores can have.

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
