"""A space as a chain: nodes between the stages, and the arcs that lead from one to the next.

A node is a shape, and what the rules remember there. A path from the first node to a last one is a
network; what it costs is the sum, or the largest, over its arcs.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import compress, product
from typing import Any

import numpy as np

from antcost.cost.budget import Bound
from antcost.cost.measures import Measure
from antcost.errors import AntcostError, SpecError
from antcost.graph.graph import INPUT, Graph
from antcost.graph.shape import Shape
from antcost.search.arrays import (
    BoolArray,
    IntArray,
    arcs_from,
    distinct,
    on_paths,
    renumbered,
    take,
)
from antcost.search.rules import Rule, State
from antcost.search.space import Space
from antcost.search.transitions import (
    MAX_TRANSITIONS,
    REPEAT,
    StageChoices,
    Transitions,
    stage_transitions,
)
from antcost.sources.specs.build import build_graph
from antcost.sources.specs.load import changed, copy_plain
from antcost.sources.specs.model import NetSpec
from antcost.sources.specs.width import stage_fields

MAX_ALL_ARCS = 12_000_000


class TooManyStatesError(AntcostError):
    """What rules and shared choices remember makes more nodes than fit into a chain."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the space: the network with its width, resolution and such decided."""

    decided: Mapping[str, Any]
    network: NetSpec
    stages: tuple[StageChoices, ...]


@dataclass(frozen=True, slots=True)
class ChainStep:
    """The arcs through one stage: from a node before it to a node after it, sorted by the former.

    `arc` is the index in `arcs`, which have their costs; arcs of several nodes are one there.
    """

    choices: StageChoices
    arcs: Transitions
    arc: IntArray
    source: IntArray
    target: IntArray


@dataclass(frozen=True, slots=True)
class Chain:
    """A slice as its steps; `shapes` are those of the nodes before each step and after all.

    Without any network there are no steps, and no node.
    """

    part: Slice
    steps: tuple[ChainStep, ...]
    shapes: tuple[tuple[Shape, ...], ...]

    @property
    def transitions(self) -> int:
        """How many transitions there are in all steps."""
        return sum(len(step.arc) for step in self.steps)

    def size(self) -> int:
        """Return how many networks there are, exactly."""
        return completions(self)[0][0] if self.shapes[0] else 0

    def count(self, measure: Measure, arcs: Sequence[IntArray | np.int64]) -> Any:
        """Return what networks cost, given the index in `arcs` that they have at each step."""
        total = np.maximum if measure.largest else np.add
        pairs = zip(self.steps, arcs, strict=True)
        return reduce(total, (step.arcs.counts[measure.name][arc] for step, arc in pairs))

    def values(self, path: Sequence[int]) -> dict[str, Any]:
        """Return what a path decides, by `set:` path: of the slice, then of each stage."""
        decided = dict(self.part.decided)
        for step, index in zip(self.steps, path, strict=True):
            option = step.arcs.option[step.arc[index : index + 1]]
            for name in step.choices.values:
                position = int(step.choices.positions(option, name)[0])
                decided[f"{step.choices.stage.name}.{name}"] = step.choices.written[name][position]
        return decided


def slices(space: Space) -> Iterator[Slice]:
    """Yield the parts of a space. Raises SpecError for values that do not fit their fields.

    Raises AntcostError where a stage reads more than the output of the one before it.
    """
    with contextlib.suppress(SpecError):  # of the base, whose choices may fit together elsewhere
        _require_chain(build_graph(space.base))
    combinations = product(*(variable.values for variable in space.outer))
    for values in combinations:
        decided = {v.path: value for v, value in zip(space.outer, values, strict=True)}
        outer = [(v.path, decided[v.path], v.mark) for v in space.outer]
        yield _slice(space, decided, outer)


def _slice(space: Space, decided: Mapping[str, Any], outer: list[tuple[str, Any, str]]) -> Slice:
    """Let the spec's own checks and its width see every value, as many at once as there are fields.

    Fields are checked and scaled one by one, so values of different ones can be tried together.
    """
    network = changed(space.base, outer)
    values: list[dict[str, list[Any]]] = [{} for _ in network.stages]
    written: list[dict[str, tuple[Any, ...]]] = [{} for _ in network.stages]
    most = max((len(v.values) for v in space.variables), default=0)
    for turn in range(most):
        tried = [(v.path, v.values[min(turn, len(v.values) - 1)], v.mark) for v in space.variables]
        spec = changed(space.base, [*outer, *tried])
        fields = stage_fields(spec)
        for v in space.variables:
            assert v.stage is not None
            if turn < len(v.values):
                stage = spec.stages[v.stage]
                value = stage.repeat if v.field == REPEAT else fields[v.stage][v.field]
                values[v.stage].setdefault(v.field, []).append(value)
                written[v.stage][v.field] = v.values
    stages = tuple(
        StageChoices(
            stage,
            fields,
            {name: tuple(tried) for name, tried in values[index].items()},
            written[index],
        )
        for index, (stage, fields) in enumerate(
            zip(network.stages, stage_fields(network), strict=True)
        )
    )
    return Slice(decided, network, stages)


def build_chain(space: Space, part: Slice, *, rules: bool = True) -> Chain:
    """Return the chain of a slice, with only the nodes and arcs that lead from the input to an end.

    Without `rules`, what they forbid is in it, too. Bounds on the largest of all layers hold of
    each arc. Raises TooManyStatesError if the rules remember too much.
    """
    held = [HeldRule(rule, {}) for rule in (space.rules if rules else ())]
    nothing: tuple[State, ...] = ((),)
    nodes = _Nodes((Shape(part.network.input),), (nothing,) * len(held))
    steps, shapes = [], [nodes.shapes]
    for index, choices in enumerate(part.stages):
        step, nodes = _step(index, choices, nodes, held, space)
        if not nodes.shapes:
            return Chain(part, (), ((),))
        steps.append(step)
        shapes.append(nodes.shapes)
        if sum(len(each.arc) for each in steps) > MAX_ALL_ARCS:
            raise TooManyStatesError(f"more than {MAX_ALL_ARCS:,} combinations in all stages")
    return _connected(Chain(part, tuple(steps), tuple(shapes)))


@dataclass(frozen=True, slots=True)
class _Nodes:
    """The nodes between two stages: their shapes, and for each rule their states."""

    shapes: tuple[Shape, ...]
    states: tuple[tuple[State, ...], ...]


@dataclass(frozen=True, slots=True)
class HeldRule:
    """A rule, and the numbers that stand for its values."""

    rule: Rule
    codes: dict[str, int]

    def numbers(self, values: Sequence[Any]) -> list[int]:
        """Return values as numbers: themselves where the rule orders them."""
        if self.rule.kind == "equal":
            texts = (repr(copy_plain(value)) for value in values)
            return [self.codes.setdefault(text, len(self.codes)) for text in texts]
        for value in values:
            if type(value) is not int:
                rule = f"rules: {self.rule.path}: {self.rule.kind}"
                raise AntcostError(f"{rule} compares integers, not {value!r:.60}")
        return list(values)

    def numbers_of(
        self, index: int, choices: StageChoices, arcs: Transitions
    ) -> tuple[list[int], IntArray]:
        """Return the numbers that the stage with this index may have, and that of each arc."""
        name = self.rule.fields[index]
        if name not in choices.values:
            return self.numbers([choices.value(name)]), np.zeros(len(arcs), dtype=np.int64)
        return self.numbers(choices.written[name]), choices.positions(arcs.option, name)


def _step(
    index: int, choices: StageChoices, nodes: _Nodes, held: Sequence[HeldRule], space: Space
) -> tuple[ChainStep, _Nodes]:
    """Return all arcs from these nodes through the next stage, and the nodes they lead to."""
    different = list(dict.fromkeys(nodes.shapes))
    arcs = stage_transitions(choices, different, list(space.measures.values()))
    arcs = take(arcs, _allowed(arcs, space.bounds))
    arcs = take(arcs, np.argsort(arcs.source, kind="stable"))
    of_shape = {shape: i for i, shape in enumerate(different)}
    shape_of_node = np.array([of_shape[shape] for shape in nodes.shapes], dtype=int)
    if np.bincount(arcs.source, minlength=len(different))[shape_of_node].sum() > MAX_TRANSITIONS:
        raise TooManyStatesError(
            f"more than {MAX_TRANSITIONS:,} combinations in one stage under the rules"
        )
    arc, source = arcs_from(arcs.source, shape_of_node)
    codes = [sizes[arc] for sizes in arcs.dims]
    after = []
    kept = np.ones(len(arc), dtype=bool)
    for one, states in zip(held, nodes.states, strict=True):
        reached, state = _remembered(one, index, choices, arcs, arc, source, states)
        kept &= state >= 0
        after.append(reached)
        codes.append(state)
    arc, source, codes = arc[kept], source[kept], [code[kept] for code in codes]
    first, target = distinct(codes)
    rank = len(arcs.dims)
    dims = np.array([sizes[arc[first]] for sizes in arcs.dims]).T.tolist()
    shapes = tuple(Shape(tuple(each)) for each in dims)
    remembered = tuple(
        tuple(reached[int(i)] for i in code[first])
        for reached, code in zip(after, codes[rank:], strict=True)
    )
    return ChainStep(choices, arcs, arc, source, target), _Nodes(shapes, remembered)


def _allowed(arcs: Transitions, bounds: Sequence[Bound]) -> BoolArray:
    """Return the arcs within the bounds on what is the largest of all layers."""
    allowed = np.ones(len(arcs), dtype=bool)
    for bound in bounds:
        if bound.measure.largest:
            allowed &= arcs.counts[bound.measure.name] <= bound.limit
    return allowed


def _remembered(
    held: HeldRule,
    index: int,
    choices: StageChoices,
    arcs: Transitions,
    arc: IntArray,
    source: IntArray,
    states: Sequence[State],
) -> tuple[list[State], IntArray]:
    """Return what a rule remembers after each arc, as an index; -1 where it forbids the arc."""
    before = list(dict.fromkeys(states))
    state = np.array([before.index(each) for each in states], dtype=int)[source]
    if index not in held.rule.fields:
        return before, state
    numbers, position = held.numbers_of(index, choices, arcs)
    table = [[held.rule.step(each, number) for number in numbers] for each in before]
    reached = list(dict.fromkeys(s for row in table for s in row if s is not None))
    codes = np.array([[-1 if s is None else reached.index(s) for s in row] for row in table])
    return reached, codes[state, position[arc]]


def _connected(chain: Chain) -> Chain:
    """Return the chain without nodes from which no arc leads to the end."""
    ends = [(step.source, step.target) for step in chain.steps]
    every = [np.ones(len(step.arc), dtype=bool) for step in chain.steps]
    arcs, alive = on_paths(ends, [len(shapes) for shapes in chain.shapes], every)
    steps = (
        replace(
            step,
            arc=step.arc[arc],
            source=renumbered(before, step.source[arc]),
            target=renumbered(after, step.target[arc]),
        )
        for step, arc, before, after in zip(chain.steps, arcs, alive, alive[1:], strict=False)
    )
    shapes = (tuple(compress(each, lives)) for each, lives in zip(chain.shapes, alive, strict=True))
    return Chain(chain.part, tuple(steps), tuple(shapes))


def completions(chain: Chain) -> list[list[int]]:
    """Count the paths to an end from the nodes before each step and after the last."""
    counts = [[1] * len(chain.shapes[-1])]
    for step, before in zip(chain.steps[::-1], chain.shapes[-2::-1], strict=True):
        pairs = step.source * len(counts[-1]) + step.target
        arcs = [0] * len(before)
        for pair, number in zip(*np.unique(pairs, return_counts=True), strict=True):
            source, target = divmod(int(pair), len(counts[-1]))
            arcs[source] += int(number) * counts[-1][target]
        counts.append(arcs)
    return counts[::-1]


def _require_chain(graph: Graph) -> None:
    """Raise AntcostError where a layer reads more than its stage and the output of the one before.

    What a stage costs then depends on more than its input.
    """
    stages = {node.name: node.origin.stage for node in graph.nodes}
    last = {node.origin.stage: node.name for node in graph.nodes}
    order = list(last)
    before = dict(zip(order, [INPUT, *last.values()], strict=False))
    for node in graph.nodes:
        for name in node.inputs:
            if name != before[node.origin.stage] and stages.get(name) != node.origin.stage:
                raise AntcostError(
                    f"{node.origin.stage} reads {name}, and not only what the stage before makes; "
                    "a search needs stages that follow each other"
                )
