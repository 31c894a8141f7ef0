"""All arcs through one stage: what every choice makes of every input, and what it costs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any

import numpy as np

from antcost.blocks.registry import block_function
from antcost.cost.analysis import analyze_graph
from antcost.cost.measures import Measure
from antcost.errors import AntcostError
from antcost.graph.graph import Graph, Origin
from antcost.graph.shape import Shape
from antcost.graph.tape import Tape
from antcost.search.arrays import FloatArray, IntArray, broadcast, concatenate, distinct, take
from antcost.search.measures import conv_layers, log_fan_in
from antcost.search.vectorized import run_vectorized
from antcost.sources.specs.build import later_fields
from antcost.sources.specs.model import Stage

MAX_TRANSITIONS = 4_000_000
MAX_EXACT = 2**53
REPEAT = "repeat"
DIMENSION = "dimension "


@dataclass(frozen=True, slots=True)
class Transitions:
    """Arcs through a stage, an entry each in every array.

    `source` is the index of the input; `option` are the values chosen, as one number that
    `StageChoices.positions` reads; `dims` are the dimensions of the output. `counts` has an array
    a measure; `entropy` is half of the sum of log(c_in * k^2 / g) over the `depth` convolutions.
    """

    source: IntArray
    option: IntArray
    dims: tuple[IntArray, ...]
    counts: Mapping[str, IntArray]
    entropy: FloatArray
    depth: IntArray

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, slots=True)
class StageChoices:
    """A stage, and the values that each of some fields (or `repeat`) may have.

    `written` are the values as the search file has them, `values` what the network's width makes of
    them; `fields` are those of the block, scaled as well.
    """

    stage: Stage
    fields: Mapping[str, Any]
    values: Mapping[str, tuple[Any, ...]]
    written: Mapping[str, tuple[Any, ...]]

    @property
    def size(self) -> int:
        """How many combinations there are."""
        return prod(map(len, self.values.values()))

    @property
    def strides(self) -> dict[str, int]:
        """What a step in the values of each field adds to the number of a combination."""
        sizes = [len(values) for values in self.values.values()]
        return {name: prod(sizes[i + 1 :]) for i, name in enumerate(self.values)}

    def value(self, name: str) -> Any:
        """Return the value of a field that nobody chooses, as the spec has it."""
        return getattr(self.stage, name)

    def positions(self, option: IntArray, name: str) -> IntArray:
        """Return which of its values a field has in each of these combinations."""
        return option // self.strides[name] % len(self.values[name])


def stage_transitions(
    choices: StageChoices, inputs: Sequence[Shape], measures: Sequence[Measure]
) -> Transitions:
    """Return every combination of values on every input, except those that cannot be built.

    Raises AntcostError for more than MAX_TRANSITIONS, and for counts that are not exact in 64 bits.
    """
    if len(inputs) * choices.size > MAX_TRANSITIONS:
        raise AntcostError(
            f"{choices.stage.name}: {len(inputs):,} inputs times {choices.size:,} choices are more "
            f"than {MAX_TRANSITIONS:,} combinations in one stage; leave some choices out"
        )
    repeats = choices.values.get(REPEAT, (choices.stage.repeat,))
    stride = choices.strides.get(REPEAT, 0)
    arcs = _start(choices, inputs, measures)
    parts = []
    for index in range(max(repeats)):
        arcs = _after_block(arcs, choices, index, measures)
        for position, repeat in enumerate(repeats):
            if repeat == index + 1:
                parts.append(replace(arcs, option=arcs.option + position * stride))
    return concatenate(parts)


def _start(
    choices: StageChoices, inputs: Sequence[Shape], measures: Sequence[Measure]
) -> Transitions:
    """Return all combinations but those of `repeat`, before the first block."""
    options = np.arange(choices.size)
    if REPEAT in choices.values:
        options = options[choices.positions(options, REPEAT) == 0]
    source, option = (
        axis.reshape(-1) for axis in np.meshgrid(np.arange(len(inputs)), options, indexing="ij")
    )
    dims = tuple(np.array([shape.dims for shape in inputs], dtype=np.int64)[source].T)
    zeros = np.zeros(len(source), dtype=np.int64)
    counts = {measure.name: zeros for measure in measures}
    return Transitions(source, option, dims, counts, zeros.astype(np.float64), zeros)


def _after_block(
    arcs: Transitions, choices: StageChoices, index: int, measures: Sequence[Measure]
) -> Transitions:
    """Return the arcs after one more block, where that can run; equal ones run once."""
    first, which = distinct([arcs.option, *arcs.dims])
    blocks = take(arcs, first)
    runs: list[Transitions] = []
    position = np.full(len(blocks), -1)
    for constants, columns, chosen in _kinds(choices, blocks.option):
        function = _block(choices.stage, {**choices.fields, **constants}, index, measures)
        columns |= {f"{DIMENSION}{axis}": dims[chosen] for axis, dims in enumerate(blocks.dims)}
        for lanes, made in run_vectorized(function, columns, np.arange(len(chosen))):
            position[chosen[lanes]] = np.arange(len(lanes)) + sum(len(run) for run in runs)
            runs.append(broadcast(made, len(lanes)))
    if not runs:
        return take(arcs, slice(0))
    kept = position[which] >= 0
    before, block = take(arcs, kept), take(concatenate(runs), position[which][kept])
    counts = {
        measure.name: (np.maximum if measure.largest else np.add)(
            before.counts[measure.name], block.counts[measure.name]
        )
        for measure in measures
    }
    return Transitions(
        before.source,
        before.option,
        block.dims,
        counts,
        before.entropy + block.entropy,
        before.depth + block.depth,
    )


def _kinds(
    choices: StageChoices, option: IntArray
) -> Iterator[tuple[dict[str, Any], dict[str, IntArray], IntArray]]:
    """Yield sets of combinations whose fields have only integers, or one other value.

    Yields the fields with one value, those with integers as columns, and the combinations.
    """
    names = [name for name in choices.values if name != REPEAT]
    for kinds in product(*(_alike(choices.values[name]) for name in names)):
        chosen = np.ones(len(option), dtype=bool)
        for name, kind in zip(names, kinds, strict=True):
            chosen &= np.isin(choices.positions(option, name), kind)
        constants, columns = {}, {}
        for name, kind in zip(names, kinds, strict=True):
            values = choices.values[name]
            if type(values[kind[0]]) is int:
                integers = [value if type(value) is int else 0 for value in values]
                positions = choices.positions(option[chosen], name)
                columns[name] = np.array(integers, dtype=np.int64)[positions]
            else:
                constants[name] = values[kind[0]]
        yield constants, columns, np.flatnonzero(chosen)


def _alike(values: Sequence[Any]) -> list[list[int]]:
    """Return positions of the integers together, and of each other value alone."""
    integers = [i for i, value in enumerate(values) if type(value) is int]
    others = [[i] for i, value in enumerate(values) if type(value) is not int]
    return [integers, *others] if integers else others


def _block(
    stage: Stage, fields: Mapping[str, Any], index: int, measures: Sequence[Measure]
) -> Callable[..., Transitions]:
    """Return what runs one block on dimensions and fields, which are arrays or numbers."""
    function = block_function(stage.block)
    place = Origin(stage.name, index, stage.block, stage.name)

    def run(**columns: Any) -> Transitions:
        dims = tuple(columns.pop(name) for name in list(columns) if name.startswith(DIMENSION))
        values = {**fields, **columns}
        net = Tape(Shape(dims))
        with net.block(place, net.input):
            y = function(net, net.input, **(later_fields(values) if index else values))
        graph = net.graph(stage.name, y)
        _require_exact(graph)
        cost = analyze_graph(graph)
        counts = {measure.name: measure.of(cost) for measure in measures}
        dims = tuple(np.asarray(size) for size in y.shape.dims)
        nowhere, depth = np.asarray(0), np.asarray(conv_layers(cost))
        return Transitions(nowhere, nowhere, dims, counts, log_fan_in(cost) / 2, depth)

    return run


def _require_exact(graph: Graph) -> None:
    """Raise AntcostError if a count could be too large for an exact number in an array."""
    for node in graph.nodes:
        area = prod(getattr(node.layer, "kernel", ()))
        most = [int(np.max(size)) for size in (node.input_shapes[0].c, area, *node.shape.dims)]
        if prod(most) > MAX_EXACT:
            raise AntcostError(f"{node.name}: more multiply-adds than a search can count exactly")
