"""A chain as tables that millions of networks are read from: drawn uniformly, or by number.

A network is a path, an edge through each leg. What it costs is looked up, not computed again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from antcost.cost.measures import Measure
from antcost.search.chain import Chain, Step, completions
from antcost.search.transitions import FloatArray
from antcost.search.vectorized import IntArray

MAX_MERGED = 4096
"""Edges of a leg that stands for several stages; more would not stay in a processor's cache."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One stage or several, and all edges through it in order of the node they start from.

    Those of node n are first[n] to first[n + 1] - 1. `counts` has an array a measure, `positions`
    one a variable: which of its values.
    """

    first: IntArray
    target: IntArray
    counts: Mapping[str, IntArray]
    positions: Mapping[str, IntArray]

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True, slots=True)
class Tables:
    """The legs of a chain. For the nodes before each and behind the last, `totals` has the number
    of paths to an end."""

    legs: tuple[Segment, ...]
    totals: tuple[list[int], ...]
    largest: frozenset[str]


def make_tables(chain: Chain, measures: Sequence[Measure]) -> Tables:
    """The tables of a chain that has a path."""
    largest = frozenset(measure.name for measure in measures if measure.largest)
    legs: list[Segment] = []
    totals: list[list[int]] = []
    for step, total in zip(chain.steps, completions(chain), strict=False):
        leg = _leg(step, len(total))
        if legs and _merged_size(legs[-1], leg) <= max(MAX_MERGED, len(legs[-1])):
            legs[-1] = _merged(legs[-1], leg, largest)
        else:
            legs.append(leg)
            totals.append(total)
    return Tables(tuple(legs), (*totals, [1] * len(chain.shapes[-1])), largest)


def _leg(step: Step, nodes: int) -> Segment:
    option = step.ways.option[step.way]
    return Segment(
        np.searchsorted(step.source, np.arange(nodes + 1)),
        step.target,
        {name: count[step.way] for name, count in step.ways.counts.items()},
        {
            f"{step.choices.stage.name}.{name}": step.choices.positions(option, name)
            for name in step.choices.values
        },
    )


def _merged_size(leg: Segment, after: Segment) -> int:
    return int(np.diff(after.first)[leg.target].sum())


def _merged(leg: Segment, after: Segment, largest: frozenset[str]) -> Segment:
    """One leg with an edge for every path through the two."""
    sizes = np.diff(after.first)[leg.target]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    one = np.repeat(np.arange(len(leg)), sizes)
    other = after.first[leg.target][one] + np.arange(len(one)) - starts[one]
    counts = {
        name: _total(name, largest)(leg.counts[name][one], after.counts[name][other])
        for name in leg.counts
    }
    positions = {name: column[one] for name, column in leg.positions.items()}
    positions |= {name: column[other] for name, column in after.positions.items()}
    return Segment(starts[leg.first], after.target[other], counts, positions)


def _total(name: str, largest: frozenset[str]) -> np.ufunc:
    return np.maximum if name in largest else np.add


def costs(tables: Tables, path: Sequence[IntArray], out: Mapping[str, IntArray]) -> None:
    """Fill each measure's array with what the networks with these edges cost."""
    for name, total in out.items():
        total[:] = 0
        for leg, edge in zip(tables.legs, path, strict=True):
            _total(name, tables.largest)(total, leg.counts[name].take(edge), out=total)


@dataclass(frozen=True, slots=True)
class AliasTable:
    """Alias tables of a leg (Walker, 1977): of a node's edges one is picked uniformly, and with a
    chance of 1 - keep another one taken for it."""

    keep: FloatArray
    other: IntArray


def make_alias_tables(tables: Tables) -> list[AliasTable]:
    """For each leg, tables that give every path the same chance."""
    return [
        _urns(leg, before, behind)
        for leg, before, behind in zip(tables.legs, tables.totals, tables.totals[1:], strict=False)
    ]


def _urns(leg: Segment, before: Sequence[int], behind: Sequence[int]) -> AliasTable:
    keep = np.ones(len(leg))
    other = np.arange(len(leg))
    for node, total in enumerate(before):
        edges = slice(leg.first[node], leg.first[node + 1])
        targets = leg.target[edges]
        share = {t: behind[t] * len(targets) / total for t in set(targets.tolist())}
        shares = [share[t] for t in targets.tolist()]
        for small, chance, large in _aliases(shares):
            keep[edges][small] = chance
            other[edges][small] = leg.first[node] + large
    return AliasTable(keep, other)


def _aliases(shares: list[float]) -> Iterator[tuple[int, float, int]]:
    """For those with less than their share of 1: what they have, and who fills up the rest."""
    small = [i for i, share in enumerate(shares) if share < 1]
    large = [i for i, share in enumerate(shares) if share >= 1]
    while small and large:
        poor, rich = small.pop(), large[-1]
        yield poor, shares[poor], rich
        shares[rich] -= 1 - shares[poor]
        if shares[rich] < 1:
            small.append(large.pop())


def draw(
    tables: Tables, urns: Sequence[AliasTable], size: int, rng: np.random.Generator
) -> list[IntArray]:
    """The edges of independent paths, each of which is as likely as any other.

    Chances are 64-bit floating-point numbers, so those of two paths may differ by about 1e-9 of
    them.
    """
    node = np.zeros(size, dtype=np.int64)
    path = []
    for leg, urn in zip(tables.legs, urns, strict=True):
        place = rng.random(size) * np.diff(leg.first).take(node)
        picked = place.astype(np.int64)
        place -= picked
        picked += leg.first.take(node)
        edge = np.where(place < urn.keep.take(picked), picked, urn.other.take(picked))
        path.append(edge)
        node = leg.target.take(edge)
    return path


def number_tables(tables: Tables) -> list[IntArray]:
    """For each leg, how many paths lead on from all edges before each one."""
    return [
        np.fromiter(accumulate((behind[t] for t in leg.target), initial=0), np.int64)
        for leg, behind in zip(tables.legs, tables.totals[1:], strict=True)
    ]


def numbered(tables: Tables, before: Sequence[IntArray], numbers: IntArray) -> list[IntArray]:
    """The edges of the paths with these numbers, from 0: in order of the first leg, and so on."""
    node = np.zeros(len(numbers), dtype=np.int64)
    path = []
    for leg, starts in zip(tables.legs, before, strict=True):
        key = starts.take(leg.first.take(node)) + numbers
        edge = np.searchsorted(starts, key, side="right") - 1
        numbers = key - starts.take(edge)
        path.append(edge)
        node = leg.target.take(edge)
    return path
