"""A chain and an objective as the arrays that the solver works on.

The value of a path is the sum over its arcs of `score`, plus, where a scale ends, `weight` times
the entropy gathered so far. It is to be made large, while each cost stays within its limit. All
numbers are 64-bit floats: integers up to 2**53, so all counts, are exact in them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np

from antcost.cost.budget import Bound
from antcost.errors import AntcostError
from antcost.search.arrays import (
    BoolArray,
    FloatArray,
    IntArray,
    arcs_from,
    distinct,
    on_paths,
    renumbered,
)
from antcost.search.chain import Chain, ChainStep
from antcost.search.objective import ENTROPY, SCORES, ZEN, Objective, default_alphas
from antcost.search.scores import Score
from antcost.search.transitions import MAX_EXACT

PLAIN = {"conv", "maxpool", "avgpool", "linear", "norm", "activation"}
"""Blocks that are a network's head where they stand after all others."""
PIVOTS = 24
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Layer:
    """The arcs through one stage, sorted by the node they start from; rows of `costs` are theirs.

    `edge` is the index of each in the chain's step. `gain` is the entropy it adds and `depth` its
    number of convolutions; `weight` is one number a node after. `ends_scale` if rho is to be
    checked after.
    """

    source: IntArray
    target: IntArray
    edge: IntArray
    score: FloatArray
    gain: FloatArray
    depth: FloatArray
    costs: FloatArray
    weight: FloatArray
    ends_scale: bool

    def __len__(self) -> int:
        return len(self.source)

    def take(self, arcs: IntArray | BoolArray) -> "Layer":
        """Return some of the arcs, between the same nodes."""
        return replace(self, **{name: getattr(self, name)[arcs] for name in EACH_ARC})


EACH_ARC = ("source", "target", "edge", "score", "gain", "depth", "costs")
"""The arrays of a layer that have an entry for each arc."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Layers, the number of nodes before each and after the last, the limit of each cost, rho."""

    layers: tuple[Layer, ...]
    nodes: tuple[int, ...]
    limits: FloatArray
    rho: float | None

    @property
    def bilinear(self) -> bool:
        """Whether entropy is weighed where scales end, so that what an arc is worth varies."""
        return any(layer.weight.any() for layer in self.layers)

    @property
    def size(self) -> int:
        """How many arcs there are in all layers."""
        return sum(map(len, self.layers))


def make_problem(
    chain: Chain,
    objective: Objective,
    bounds: Sequence[Bound],
    rho: float | None = None,
    scores: Sequence[Score] = (),
) -> Problem:
    """Return the arrays of a chain. Bounds on largest values hold in the chain already.

    Raises AntcostError where scales are asked for and the maps after a stage differ in size.
    """
    summed = [bound for bound in bounds if not bound.measure.largest]
    limits = np.array([bound.sign * bound.limit for bound in summed], dtype=float)
    if not chain.steps:
        return Problem((), (0,), limits, rho)
    body = _body(chain)
    wants_scales = rho is not None or not {ENTROPY, ZEN}.isdisjoint(objective.weights)
    ends = scale_ends(chain) if wants_scales else []
    later = {
        term: _alpha_by_stage(objective, term, ends, len(chain.steps)) for term in (ENTROPY, ZEN)
    }
    layers = []
    for index, step in enumerate(chain.steps):
        counts = step.arcs.counts
        score = np.zeros(len(step.arcs))
        for name, weight in objective.weights.items():
            if name in counts:
                score += weight * counts[name]
        score += _scores_of(step, index, scores) * objective.weights.get(SCORES, 0)
        zen = objective.weights.get(ZEN, 0)
        score += zen * sum(later[ZEN][index:]) * step.arcs.entropy * (index < body)
        node_score = zen * later[ZEN][index] * _logs(chain, index, channels_only=True)
        costs = [bound.sign * counts[bound.measure.name] for bound in summed]
        layers.append(
            Layer(
                step.source,
                step.target,
                np.arange(len(step.source)),
                score[step.arc] + node_score[step.target],
                step.arcs.entropy[step.arc] * (index < body),
                step.arcs.depth[step.arc].astype(float) * (index < body),
                np.array(costs, dtype=float).reshape(len(summed), len(step.arcs)).T[step.arc],
                objective.weights.get(ENTROPY, 0)
                * later[ENTROPY][index]
                * _logs(chain, index, channels_only=False),
                index in ends and rho is not None,
            )
        )
    problem = Problem(tuple(layers), tuple(map(len, chain.shapes)), limits, rho)
    _require_exact(problem)
    return problem


def _body(chain: Chain) -> int:
    """Count the stages before the head: the plain ones after all others, or vectors."""
    blocks = [step.choices.stage.block for step in chain.steps]
    others = [index for index, block in enumerate(blocks) if block not in PLAIN]
    maps = [i for i, shapes in enumerate(chain.shapes[1:]) if shapes and shapes[0].rank == 3]
    return max(others or maps or [-1]) + 1


def scale_ends(chain: Chain) -> list[int]:
    """Return the stages after which the map gets smaller, and the last one before the head."""
    sizes = []
    for index in range(_body(chain)):
        different = {shape.dims[1:] for shape in chain.shapes[index + 1]}
        if len(different) > 1:
            stage = chain.steps[index].choices.stage.name
            raise AntcostError(
                f"{stage}: maps of {len(different)} sizes are possible after it; entropy, zen and "
                "rho need one (stride and padding cannot be chosen there)"
            )
        sizes.append(next(iter(different)))
    if not sizes:
        raise AntcostError("entropy, zen and rho are of maps, and the network has none")
    return [i for i, size in enumerate(sizes) if i + 1 == len(sizes) or sizes[i + 1] != size]


def _alpha_by_stage(objective: Objective, term: str, ends: list[int], stages: int) -> list[float]:
    """Return the weight of the scale that ends after each stage, 0 where none does."""
    if term not in objective.weights:
        return [0.0] * stages
    alphas = objective.alphas or default_alphas(term, len(ends))
    if len(alphas) != len(ends):
        raise AntcostError(
            f"alphas: {len(alphas)} weights for {len(ends)} scales; give one for each"
        )
    weights = dict(zip(ends, alphas, strict=True))
    return [weights.get(index, 0.0) for index in range(stages)]


def _logs(chain: Chain, index: int, *, channels_only: bool) -> FloatArray:
    """Return for each node after a stage the log of its channels, or of all its elements."""
    shapes = chain.shapes[index + 1]
    return np.log([shape.c if channels_only else shape.numel for shape in shapes])


def _scores_of(step: ChainStep, index: int, scores: Sequence[Score]) -> FloatArray:
    """Return what the user's table says of each arc."""
    total = np.zeros(len(step.arcs))
    for row in scores:
        if row.stage == index:
            applies = np.ones(len(step.arcs), dtype=bool)
            for name, value in row.values.items():
                position = step.choices.written[name].index(value)
                applies &= step.choices.positions(step.arcs.option, name) == position
            total += row.score * applies
    return total


def _require_exact(problem: Problem) -> None:
    most = sum(
        (np.abs(layer.costs).max(axis=0, initial=0) for layer in problem.layers),
        np.zeros(len(problem.limits)),
    )
    if (most >= MAX_EXACT).any():
        raise AntcostError("costs of this space are too large to be counted exactly in a search")


def with_rho_cost(problem: Problem, depth: float) -> Problem:
    """Return the problem with one more cost, which every path within rho keeps.

    rho >= L / exp(mean log width) is 2 T >= L log(L / rho) with T the entropy and L the
    convolutions. The right side is convex in L, so above its tangent at `depth`:
    (log(depth / rho) + 1) L - 2 T <= depth.
    """
    assert problem.rho is not None
    slope = log(depth / problem.rho) + 1
    layers = [
        replace(layer, costs=np.column_stack([layer.costs, slope * layer.depth - 2 * layer.gain]))
        for layer in problem.layers
    ]
    limit = depth + ROUNDING * (1 + depth)
    return replace(problem, layers=tuple(layers), limits=np.append(problem.limits, limit))


def by_depth(problem: Problem) -> list[Problem]:
    """Return the problem as one for each number of convolutions that a whole path may have.

    Nodes remember the convolutions so far, and once the last scale's end knows them, rho is one
    more cost without any slack: L log(L / rho) - 2 T <= 0.
    """
    assert problem.rho is not None
    end = max(index for index, layer in enumerate(problem.layers) if layer.ends_scale)
    node, depth = np.zeros(1, dtype=np.int64), np.zeros(1)
    layers, nodes = [], [1]
    for index, layer in enumerate(problem.layers):
        arc, source = arcs_from(layer.source, node)
        reached = depth[source] + layer.depth[arc]
        first, target = distinct([layer.target[arc], reached.astype(np.int64)])
        node, depth = layer.target[arc][first], reached[first]
        least = reached * np.log(np.maximum(reached, 1) / problem.rho) if index == end else 0.0
        taken = layer.take(arc)
        layers.append(
            replace(
                taken,
                source=source,
                target=target,
                costs=np.column_stack([taken.costs, least - 2 * taken.gain]),
                weight=layer.weight[node],
            )
        )
        nodes.append(len(node))
    limits = np.append(problem.limits, ROUNDING * (1 + depth.max(initial=0.0)))
    whole = replace(problem, layers=tuple(layers), nodes=tuple(nodes), limits=limits)
    every = [np.ones(len(layer), dtype=bool) for layer in layers[:-1]]
    return [
        restricted(whole, [*every, depth[layers[-1].target] == number])
        for number in np.unique(depth)
    ]


def restricted(problem: Problem, kept: Sequence[BoolArray]) -> Problem:
    """Return the problem with some arcs only, those through whose ends paths still lead."""
    ends = [(layer.source, layer.target) for layer in problem.layers]
    arcs, alive = on_paths(ends, problem.nodes, kept)
    layers = (
        replace(
            layer.take(arc),
            source=renumbered(before, layer.source[arc]),
            target=renumbered(after, layer.target[arc]),
            weight=layer.weight[after],
        )
        for layer, arc, before, after in zip(problem.layers, arcs, alive, alive[1:], strict=False)
    )
    nodes = tuple(int(lives.sum()) for lives in alive)
    return replace(problem, layers=tuple(layers), nodes=nodes)


def without_dominated(problem: Problem) -> Problem:
    """Return the problem without arcs that another arc between the same nodes beats in all.

    An arc is held against a few strong ones of its pair of nodes, so some dominated arcs may stay.
    """
    return restricted(problem, [_undominated(layer, problem) for layer in problem.layers])


def _undominated(layer: Layer, problem: Problem) -> BoolArray:
    entropy = [layer.gain] if problem.bilinear or problem.rho is not None else []
    depth = [-layer.depth] if problem.rho is not None else []
    merits = np.vstack([layer.score, *entropy, *depth, -layer.costs.T])
    spread = np.ptp(merits, axis=1)
    spread[spread == 0] = 1.0
    pair = layer.source * len(layer.weight) + layer.target
    left = np.argsort(pair, kind="stable")
    merits, pair = merits[:, left], pair[left]
    rng = np.random.default_rng(0)
    for _ in range(PIVOTS):
        changes = np.diff(pair, prepend=-1) != 0
        starts, group = np.flatnonzero(changes), np.cumsum(changes) - 1
        strength = (rng.dirichlet(np.ones(len(spread))) / spread) @ merits
        strongest = np.flatnonzero(strength == np.maximum.reduceat(strength, starts)[group])
        pivot = strongest[np.unique(group[strongest], return_index=True)[1]]
        worse = np.ones(len(left), dtype=bool)
        for merit in merits:
            worse &= merit <= merit[pivot][group]
        worse[pivot] = False
        merits, pair, left = merits[:, ~worse], pair[~worse], left[~worse]
    kept = np.zeros(len(layer), dtype=bool)
    kept[left] = True
    return kept
