"""The Lagrangian relaxation: costs have prices, and every node a bound on what is still to come.

With a price for each cost, a path is worth its value plus price times what it leaves of the limit.
The best path of that is found backwards, stage by stage, and no path within the limits is better.
Cutting planes (Kelley) find the prices for which this bound is lowest.

Where entropy is weighed later, what is still to come is a convex function of the entropy gathered
so far. It is kept on a grid and bounded from above by its chords.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from antcost.search.arrays import BoolArray, FloatArray, IntArray
from antcost.search.problem import ROUNDING, Layer, Problem

MAX_CUTS = 60
CLOSE = 1e-7
GROWTH = 10.0
COARSE, FINE = 12, 96
SUM_ERROR = 1e-13
"""Some hundred times the precision of 64-bit floats."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Entropy at the nodes of one boundary: `size` points from `low` in steps of `step`, a node."""

    low: FloatArray
    step: FloatArray
    size: int

    def points(self) -> FloatArray:
        """Return the points, a row a node."""
        return self.low[:, None] + self.step[:, None] * np.arange(self.size)

    def position(self, node: IntArray, entropy: FloatArray) -> FloatArray:
        """Return where an entropy lies in the grid of its node, in steps."""
        steps = np.where(self.step[node] > 0, self.step[node], 1.0)
        low = self.low[node]
        if entropy.ndim > 1:
            low, steps = low[:, None], steps[:, None]
        return np.clip((entropy - low) / steps, 0.0, self.size - 1.0)

    def interpolate(self, values: FloatArray, node: IntArray, entropy: FloatArray) -> FloatArray:
        """Return the chord through the two points around an entropy."""
        position = self.position(node, entropy)
        below = np.minimum(position.astype(np.int64), self.size - 2)
        rest = position - below
        index = node[:, None] if entropy.ndim > 1 else node
        low = values[index, below]
        return np.asarray(low + rest * (values[index, below + 1] - low))


@dataclass(frozen=True, slots=True)
class Prices:
    """One set of prices, and the bounds that follow: `ahead` has a row a node for each boundary.

    `bound` is the most that any path within the limits can be worth, `error` included: what sums
    of such sizes may be wrong by in 64-bit floats, which is a lot where prices are high.
    """

    prices: FloatArray
    ahead: tuple[FloatArray, ...]
    bound: float
    error: float


@dataclass(frozen=True, slots=True)
class Path:
    """One arc a layer, the value, and what it leaves of each limit (negative: exceeds it)."""

    arcs: tuple[int, ...]
    value: float
    slack: FloatArray


def make_grids(problem: Problem, size: int) -> tuple[Grid, ...]:
    """Return the range of entropy at every node; a point where it is not weighed later."""
    low = [np.zeros(problem.nodes[0])]
    high = [np.zeros(problem.nodes[0])]
    for layer in problem.layers:
        for ends, extreme, start in ((low, np.minimum, inf), (high, np.maximum, -inf)):
            reached = np.full(len(layer.weight), start)
            extreme.at(reached, layer.target, ends[-1][layer.source] + layer.gain)
            ends.append(reached)
    if not problem.bilinear:
        return tuple(Grid(a, np.zeros_like(a), 1) for a in low)
    return tuple(Grid(a, (b - a) / (size - 1), size) for a, b in zip(low, high, strict=True))


def worth(
    layer: Layer, prices: FloatArray, grid: Grid, behind: Grid, ahead: FloatArray
) -> FloatArray:
    """Return for each arc and point of the grid before it, the most that can come from there on."""
    own = layer.score - layer.costs @ prices
    if grid.size == 1:
        return np.asarray(own[:, None] + ahead[layer.target])
    entropy = grid.points()[layer.source] + layer.gain[:, None]
    weighed = own[:, None] + layer.weight[layer.target][:, None] * entropy
    return np.asarray(weighed + behind.interpolate(ahead, layer.target, entropy))


def bound_ahead(problem: Problem, grids: Sequence[Grid], prices: FloatArray) -> Prices:
    """Return the bounds at every node for these prices."""
    ahead = [np.zeros((problem.nodes[-1], grids[-1].size))]
    for layer, grid, behind in zip(problem.layers[::-1], grids[-2::-1], grids[:0:-1], strict=True):
        values = worth(layer, prices, grid, behind, ahead[-1])
        starts = np.searchsorted(layer.source, np.arange(len(grid.low)))
        ahead.append(np.maximum.reduceat(values, starts, axis=0))
    largest = max(float(np.abs(bounds).max()) for bounds in ahead)
    error = SUM_ERROR * (largest + float(prices @ np.abs(problem.limits)))
    bound = float(ahead[-1][0, 0] + prices @ problem.limits) + error
    return Prices(prices, tuple(ahead[::-1]), bound, error)


def possible(
    problem: Problem, grids: Sequence[Grid], priced: Prices, threshold: float
) -> list[BoolArray]:
    """Return for each layer the arcs that lie on a path whose bound is above the threshold.

    Forwards the most that paths to a node can be worth, for each cell of its grid; entropy is
    rounded up to the next point there, which makes no path worth less.
    """
    behind = np.full((problem.nodes[0], grids[0].size), -inf)
    behind[:, 0] = priced.prices @ problem.limits
    kept = []
    for i, layer in enumerate(problem.layers):
        grid, after = grids[i], grids[i + 1]
        coming = worth(layer, priced.prices, grid, after, priced.ahead[i + 1])
        kept.append((behind[layer.source] + coming).max(axis=1) + priced.error > threshold)
        arcs = np.flatnonzero(kept[-1])
        source, target = layer.source[arcs], layer.target[arcs]
        own = layer.score[arcs] - layer.costs[arcs] @ priced.prices
        reached = np.full((len(layer.weight), after.size), -inf)
        if grid.size == 1:
            np.maximum.at(reached[:, 0], target, behind[source, 0] + own)
        else:
            entropy = grid.points()[source] + layer.gain[arcs, None]
            value = behind[source] + own[:, None] + layer.weight[target][:, None] * entropy
            cell = np.ceil(after.position(target, entropy) - ROUNDING).astype(np.int64)
            np.maximum.at(reached, (target[:, None], cell), value)
        behind = reached
    return kept


def best_path(problem: Problem, grids: Sequence[Grid], priced: Prices) -> Path:
    """Return the path that follows the bounds, though its costs may exceed the limits."""
    node, entropy, value = 0, 0.0, 0.0
    slack = problem.limits.copy()
    arcs = []
    for i, layer in enumerate(problem.layers):
        start, end = np.searchsorted(layer.source, (node, node + 1))
        own = layer.score[start:end] - layer.costs[start:end] @ priced.prices
        after = entropy + layer.gain[start:end]
        target = layer.target[start:end]
        if problem.bilinear:
            own = own + layer.weight[target] * after
            own = own + grids[i + 1].interpolate(priced.ahead[i + 1], target, after)
        else:
            own = own + priced.ahead[i + 1][target, 0]
        arc = int(start + np.argmax(own))
        arcs.append(arc)
        node, entropy = int(layer.target[arc]), float(after[arc - start])
        value += float(layer.score[arc] + layer.weight[node] * entropy)
        slack -= layer.costs[arc]
    return Path(tuple(arcs), value, slack)


def cutting_planes(
    problem: Problem, grids: Sequence[Grid], stop: Callable[[], None]
) -> Iterator[tuple[Prices, Path]]:
    """Yield prices with their bounds and best paths, until the bound cannot get much lower.

    `stop` is called before each and may raise.
    """
    scale = np.maximum(np.abs(problem.limits), 1.0)
    paths: dict[tuple[int, ...], Path] = {}
    most = np.full(len(problem.limits), 0.0)
    prices = np.zeros(len(problem.limits))
    lowest = inf
    for _ in range(MAX_CUTS):
        stop()
        priced = bound_ahead(problem, grids, prices / scale)
        path = best_path(problem, grids, priced)
        seen = path.arcs in paths
        paths[path.arcs] = path
        lowest = min(lowest, priced.bound)
        yield priced, path
        if not len(most):
            return
        if not most.any():
            worst = bound_ahead(_negated(problem), grids, 0 * prices).bound
            most[:] = max(priced.bound + worst, 1.0) * 2
        cheaper = _master(list(paths.values()), scale, most)
        if cheaper is None:
            return
        prices, estimate = cheaper
        if seen or lowest - estimate <= CLOSE * max(1.0, abs(lowest)):
            if not (prices >= most * (1 - CLOSE)).any():
                return
            most *= GROWTH


def _negated(problem: Problem) -> Problem:
    """Return the same paths with their values negated, entropy aside."""
    layers = [
        replace(layer, score=-layer.score, weight=0 * layer.weight) for layer in problem.layers
    ]
    return replace(problem, layers=tuple(layers))


def _master(
    paths: Sequence[Path], scale: FloatArray, most: FloatArray
) -> tuple[FloatArray, float] | None:
    """Return the prices at which the paths seen so far bound the value lowest, and that bound.

    None where the solver gives up; the bounds so far hold without it.
    """
    from scipy.optimize import linprog

    slacks = np.array([path.slack / scale for path in paths])
    values = np.array([path.value for path in paths])
    unit = max(1.0, float(np.abs(values).max()))
    result = linprog(
        np.append(np.zeros(len(most)), 1.0),
        A_ub=np.column_stack([slacks, -np.ones(len(paths))]),
        b_ub=-values / unit,
        bounds=[*((0, high / unit) for high in most), (None, None)],
        method="highs",
    )
    if result.x is None:
        return None
    return result.x[:-1] * unit, float(result.x[-1]) * unit
