"""Partial paths by the thousand: a beam for a good start, and an enumeration that leaves none out.

A label is a path from the first node to some node. It is given up as soon as, for one of the sets
of prices, what it has plus the most that may come is not worth the threshold; or when its costs
cannot stay within the limits even if all that comes is as cheap as can be.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from antcost.search.arrays import (
    BoolArray,
    FloatArray,
    IntArray,
    concatenate,
    repeated,
    take,
)
from antcost.search.problem import Layer, Problem
from antcost.search.relaxation import Grid, Prices, worth

CHUNK = 200_000
BEAM = 100


@dataclass(frozen=True, slots=True)
class Labels:
    """Paths up to one boundary, an entry each; `arcs` has a row a path, a column a layer so far."""

    node: IntArray
    value: FloatArray
    entropy: FloatArray
    depth: FloatArray
    costs: FloatArray
    arcs: IntArray

    def __len__(self) -> int:
        return len(self.node)


@dataclass(frozen=True, slots=True)
class Ranked:
    """The arcs of a layer from each node and grid cell, the most promising first.

    `order` has a column a cell with the arcs of the layer, sorted within each node by `worth`, what
    they and all behind them are worth at most anywhere in the cell.
    """

    starts: IntArray
    order: IntArray
    worth: FloatArray


@dataclass(frozen=True, slots=True)
class Tree:
    """A problem with what is known of what lies ahead: for several prices, the first for ranking.

    `cheapest` are the least costs from each node to the end.
    """

    problem: Problem
    grids: tuple[Grid, ...]
    prices: tuple[Prices, ...]
    cheapest: tuple[FloatArray, ...]
    ranked: tuple[Ranked, ...]


def make_tree(problem: Problem, grids: tuple[Grid, ...], prices: Sequence[Prices]) -> Tree:
    """Return what the enumeration needs; the first prices decide the order of arcs."""
    ranked = tuple(
        _ranked(layer, worth(layer, prices[0].prices, grid, behind, ahead))
        for layer, grid, behind, ahead in zip(
            problem.layers, grids[:-1], grids[1:], prices[0].ahead[1:], strict=True
        )
    )
    return Tree(problem, grids, tuple(prices), cheapest_ahead(problem), ranked)


def cheapest_ahead(problem: Problem) -> tuple[FloatArray, ...]:
    """Return for each boundary the least of each cost from its nodes to the end."""
    ahead = [np.zeros((problem.nodes[-1], len(problem.limits)))]
    for layer, nodes in zip(problem.layers[::-1], problem.nodes[-2::-1], strict=True):
        starts = np.searchsorted(layer.source, np.arange(nodes))
        ahead.append(np.minimum.reduceat(layer.costs + ahead[-1][layer.target], starts, axis=0))
    return tuple(ahead[::-1])


def _ranked(layer: Layer, values: FloatArray) -> Ranked:
    """Rank the arcs: worth is convex between two grid points, so never above the larger."""
    if values.shape[1] > 1:
        values = np.maximum(values[:, :-1], values[:, 1:])
    order = np.lexsort((-values, np.broadcast_to(layer.source[:, None], values.shape)), axis=0)
    starts = np.searchsorted(layer.source, np.arange(layer.source[-1] + 2))
    return Ranked(starts, order, np.take_along_axis(values, order, axis=0))


def root(problem: Problem) -> Labels:
    """Return the empty path."""
    zero = np.zeros(1)
    return Labels(
        np.zeros(1, dtype=np.int64), zero, zero, zero, np.zeros((1, len(problem.limits))),
        np.zeros((1, 0), dtype=np.int64),
    )  # fmt: skip


def beam(tree: Tree, threshold: float, width: int = BEAM) -> Labels:
    """Return better paths within the limits, if following the most promising labels finds any."""
    labels = root(tree.problem)
    for index in range(len(tree.problem.layers)):
        parts = [
            _best(tree, index + 1, part, width)
            for part in expanded(tree, index, labels, lambda: threshold)
        ]
        labels = (
            _best(tree, index + 1, concatenate(parts), width) if parts else take(labels, slice(0))
        )
        if not len(labels):
            return labels
    return labels


def _best(tree: Tree, boundary: int, labels: Labels, width: int) -> Labels:
    if len(labels) <= width:
        return labels
    bound = _bound(tree, boundary, labels, tree.prices[0])
    return take(labels, np.argpartition(-bound, width)[:width])


def paths_above(
    tree: Tree, threshold: Callable[[], float], stop: Callable[[], None]
) -> Iterator[Labels]:
    """Yield all complete paths within the limits that are worth more than the threshold, in sets.

    The threshold may rise meanwhile; `stop` is called now and then and may raise.
    """

    def below(index: int, labels: Labels) -> Iterator[Labels]:
        stop()
        if index == len(tree.problem.layers):
            yield labels
            return
        for part in expanded(tree, index, labels, threshold):
            yield from below(index + 1, part)

    yield from below(0, root(tree.problem))


def expanded(
    tree: Tree, index: int, labels: Labels, least: Callable[[], float]
) -> Iterator[Labels]:
    """Yield the labels one layer further, in chunks, the most promising first."""
    slack = tree.problem.limits - labels.costs
    have = labels.value + slack @ tree.prices[0].prices + tree.prices[0].error
    cell, ranked = _cells(tree, index, labels), tree.ranked[index]
    best = have + ranked.worth[ranked.starts[labels.node], cell]
    order = np.argsort(-best, kind="stable")
    labels, have, cell = take(labels, order), have[order], cell[order]
    counts = _how_many(ranked, labels.node, cell, least() - have)
    for part in _chunks(counts):
        counts_now = np.minimum(
            counts[part], _how_many(ranked, labels.node[part], cell[part], least() - have[part])
        )
        grown = _grown(tree, index, take(labels, part), cell[part], counts_now)
        grown = _worthwhile(tree, index + 1, grown, least())
        if len(grown):
            yield grown


def _cells(tree: Tree, index: int, labels: Labels) -> IntArray:
    """Return the grid cell that the entropy of each label lies in."""
    grid = tree.grids[index]
    position = grid.position(labels.node, labels.entropy).astype(np.int64)
    return np.minimum(position, max(grid.size - 2, 0))


def _how_many(ranked: Ranked, node: IntArray, cell: IntArray, least: FloatArray) -> IntArray:
    """Count the ranked arcs that are worth at least this, by bisection for all labels at once."""
    low, high = ranked.starts[node], ranked.starts[node + 1]
    start = low
    while (low < high).any():
        middle = (low + high) // 2
        inside = middle < high
        enough = ranked.worth[np.minimum(middle, len(ranked.worth) - 1), cell] > least
        low = np.where(inside & enough, middle + 1, low)
        high = np.where(inside & ~enough, middle, high)
    return low - start


def _chunks(counts: IntArray) -> Iterator[slice]:
    """Yield slices of labels that have about CHUNK arcs together."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        done = ends[start - 1] if start else 0
        end = max(int(np.searchsorted(ends, done + CHUNK, side="right")), start + 1)
        if ends[end - 1] > done:
            yield slice(start, end)
        start = end


def _grown(tree: Tree, index: int, labels: Labels, cell: IntArray, counts: IntArray) -> Labels:
    """Return each label with as many of its ranked arcs as `counts` says."""
    layer, ranked = tree.problem.layers[index], tree.ranked[index]
    parent, within = repeated(counts)
    arc = ranked.order[ranked.starts[labels.node[parent]] + within, cell[parent]]
    target = layer.target[arc]
    entropy = labels.entropy[parent] + layer.gain[arc]
    return Labels(
        target,
        labels.value[parent] + (layer.score[arc] + layer.weight[target] * entropy),
        entropy,
        labels.depth[parent] + layer.depth[arc],
        labels.costs[parent] + layer.costs[arc],
        np.column_stack([labels.arcs[parent], arc]),
    )


def _worthwhile(tree: Tree, boundary: int, labels: Labels, least: float) -> Labels:
    """Return the labels that may still become a path within the limits worth over `least`."""
    problem = tree.problem
    least_costs = labels.costs + tree.cheapest[boundary][labels.node]
    labels = take(labels, np.flatnonzero((least_costs <= problem.limits).all(axis=1)))
    if problem.layers[boundary - 1].ends_scale and problem.rho is not None:
        labels = take(labels, within_rho(labels.entropy, labels.depth, problem.rho))
    for prices in tree.prices:
        labels = take(labels, _bound(tree, boundary, labels, prices) > least)
    return labels


def within_rho(entropy: FloatArray, depth: FloatArray, rho: float) -> BoolArray:
    """Return whether L / exp(2 T / L) <= rho, with entropy T and L convolutions (DeepMAD)."""
    safe = np.maximum(depth, 1.0)
    log_rho = np.where(depth > 0, np.log(safe) - 2 * entropy / safe, -np.inf)
    return np.asarray(log_rho <= log(rho))


def _bound(tree: Tree, boundary: int, labels: Labels, prices: Prices) -> FloatArray:
    """Return the most that each label can become worth."""
    slack = tree.problem.limits - labels.costs
    grid, ahead = tree.grids[boundary], prices.ahead[boundary]
    if grid.size == 1:
        coming = ahead[labels.node, 0]
    else:
        coming = grid.interpolate(ahead, labels.node, labels.entropy)
    return np.asarray(labels.value + slack @ prices.prices + coming + prices.error)
