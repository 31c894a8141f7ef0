"""Random search spaces, and what is true of them found without the solver."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

import antcost
from antcost.cost.analysis import NetCost
from antcost.graph.graph import Node
from antcost.graph.layers import Conv2d
from antcost.search.labels import within_rho
from antcost.search.problem import Problem
from antcost.search.space import Sources, Space, make_space
from antcost.sources.specs.load import changed
from antcost.sources.specs.model import NetSpec
from antcost.yamlfile.document import Document

HEAD = ("head", "pool", "fc")


def space_of(base: Any, **fields: Any) -> Space:
    """A space on a base (a mapping or the name of a network) with these fields of a search file."""
    tree = {"base": "base", **fields}
    return make_space(Sources("test", Document(tree, "test"), "base", antcost.load(base)))


def random_base(rng: random.Random, stages: int) -> dict[str, Any]:
    """A small network of ANTBlocks."""
    body = [
        {
            "name": f"a{i}",
            "block": "ant",
            "expansion": rng.choice([1, 2, 3]),
            "channels": 8 * rng.randint(1, 4),
            "stride": rng.choice([1, 2]),
            "repeat": rng.randint(1, 2),
        }
        for i in range(1, stages + 1)
    ]
    return {
        "name": "base",
        "input": [3, 32, 32],
        "classes": 10,
        "stages": [
            {"name": "conv0", "block": "conv", "kernel": 3, "channels": 16, "stride": 2},
            *body,
            {"name": "head", "block": "conv", "kernel": 1, "channels": 64},
            {"name": "pool", "block": "avgpool"},
            {"name": "fc", "block": "linear", "channels": "classes"},
        ],
    }


def random_choices(rng: random.Random, stages: int, *, often: float) -> dict[str, Any]:
    """Choices for some fields of the stages; of some values, no network can be built."""
    choices: dict[str, Any] = {
        "a1.expansion": {"each": [1, 2, 4]},
        f"a{stages}.kernel": {"each": [3, 5]},
        "a*.groups": {rng.choice(["each", "shared"]): rng.choice([[1, 2], [1, 3], [1, 2, 4]])},
    }
    for i in range(1, stages + 1):
        for field, values in (
            ("channels", rng.sample([8, 16, 24, 32, 40], rng.randint(2, 3))),
            ("repeat", rng.sample([1, 2, 3], 2)),
            ("reduction", [None, 4]),
        ):
            if rng.random() < often:
                choices[f"a{i}.{field}"] = {"each": values}
    return choices


def random_rules(rng: random.Random) -> dict[str, str]:
    rules = {}
    if rng.random() < 0.4:
        rules["a*.channels"] = "non-decreasing"
    if rng.random() < 0.3:
        rules["a*.repeat"] = "spread <= 1"
    return rules


@dataclass(frozen=True, slots=True)
class Network:
    """One network of a space, built and counted alone."""

    values: Mapping[str, Any]
    cost: NetCost
    scales: Sequence[tuple[int, int, float, int]]

    @property
    def entropy(self) -> float:
        """Multi-scale entropy of DeepMAD: alpha * log(C f^2) * sum of 1/2 log w, by scale."""
        alphas = [1.0] * (len(self.scales) - 1) + [8.0]
        return sum(
            alpha * math.log(elements) * half_logs
            for alpha, (elements, _, half_logs, _) in zip(alphas, self.scales, strict=True)
        )

    @property
    def zen(self) -> float:
        """The Zen-score of MadNAS: sum of 1/2 log w, and log C, at the last scale."""
        _, channels, half_logs, _ = self.scales[-1]
        return half_logs + math.log(channels)

    @property
    def rho(self) -> float:
        """The largest depth over geometric-mean width of all scales."""
        return max(depth / math.exp(2 * logs / depth) for _, _, logs, depth in self.scales)


def every_network(space: Space) -> Iterator[Network]:
    """All networks that can be built and keep the rules, each built and counted alone."""
    together = {rule.path for rule in space.rules if rule.shared}
    groups: dict[str, list[Any]] = {}
    for variable in (*space.outer, *space.variables):
        name = variable.choice if variable.choice in together else variable.path
        groups.setdefault(name, []).append(variable)
    for combination in product(*(group[0].values for group in groups.values())):
        values = {
            variable.path: value
            for group, value in zip(groups.values(), combination, strict=True)
            for variable in group
        }
        try:
            spec = changed(space.base, [(p, v, "") for p, v in values.items()])
            cost = antcost.analyze(spec)
        except antcost.AntcostError:
            continue
        if _keeps_rules(space, spec):
            yield Network(values, cost, _scales(cost))


def _keeps_rules(space: Space, spec: NetSpec) -> bool:
    for rule in space.rules:
        values = [getattr(spec.stages[stage], field) for stage, field in rule.fields.items()]
        if rule.kind == "non-decreasing" and values != sorted(values):
            return False
        if rule.kind == "spread" and max(values) - min(values) > rule.spread:
            return False
        if rule.kind == "equal" and len({repr(value) for value in values}) > 1:
            return False
    return True


def _scales(cost: NetCost) -> list[tuple[int, int, float, int]]:
    """Elements, channels, half of the log widths and convolutions so far where a map is left."""
    nodes = [node for node in cost.graph.nodes if node.origin.stage not in HEAD]
    last_of = {node.origin.stage: node for node in nodes}
    names = list(last_of)
    scales, half_logs, depth = [], 0.0, 0
    for node in nodes:
        if isinstance(node.layer, Conv2d):
            half_logs += 0.5 * math.log(fan_in(node, node.layer))
            depth += 1
        if node is last_of[node.origin.stage]:
            follower = names.index(node.origin.stage) + 1
            if follower == len(names) or last_of[names[follower]].shape.h != node.shape.h:
                scales.append((node.shape.numel, node.shape.c, half_logs, depth))
    return scales


def fan_in(node: Node, layer: Conv2d) -> float:
    """Inputs of one output of a convolution: w of DeepMAD."""
    return node.input_shapes[0].c * layer.kernel[0] * layer.kernel[1] / layer.groups


@dataclass(frozen=True, slots=True)
class Paths:
    """All paths of a problem, those beyond a limit included."""

    arcs: np.ndarray[Any, Any]
    values: np.ndarray[Any, Any]
    feasible: np.ndarray[Any, Any]


def every_path(problem: Problem) -> Paths:
    """Follow every arc of every layer; nothing is given up before the end."""
    node = np.zeros(1, dtype=int)
    value, entropy, depth = (np.zeros(1) for _ in range(3))
    costs = np.zeros((1, len(problem.limits)))
    arcs = np.zeros((1, 0), dtype=int)
    within = np.ones(1, dtype=bool)
    for layer in problem.layers:
        starts = np.searchsorted(layer.source, np.arange(layer.source.max() + 2))
        counts = np.diff(starts)[node]
        parent = np.repeat(np.arange(len(node)), counts)
        offset = np.arange(len(parent)) - np.repeat(np.cumsum(counts) - counts, counts)
        arc = starts[node[parent]] + offset
        node = layer.target[arc]
        entropy = entropy[parent] + layer.gain[arc]
        depth = depth[parent] + layer.depth[arc]
        value = value[parent] + layer.score[arc] + layer.weight[node] * entropy
        costs = costs[parent] + layer.costs[arc]
        arcs = np.column_stack([arcs[parent], arc])
        within = within[parent]
        if layer.ends_scale:
            assert problem.rho is not None
            within = within & within_rho(entropy, depth, problem.rho)
    return Paths(arcs, value, within & (costs <= problem.limits).all(axis=1))
