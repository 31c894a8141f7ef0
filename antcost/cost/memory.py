"""Memory, beside `Cost`: what does not add up over layers, or has a unit of its own.

All functions are for inference. A tensor is `batch` images of its shape.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, assert_never

from antcost.cost.analysis import Row
from antcost.cost.counts import Cost
from antcost.graph import layers as L
from antcost.graph.graph import INPUT, Graph, Node

Dtype = Literal["fp32", "fp16", "int8"]
BYTES = {"fp32": 4, "fp16": 2, "int8": 1}


def param_bytes(cost: Cost, dtype: Dtype = "fp32") -> int:
    """Return the bytes of the learned parameters."""
    return cost.params * BYTES[dtype]


def activation_elems(nodes: Iterable[Node]) -> int:
    """Return the output elements of all layers, for one image."""
    return sum(node.shape.numel for node in nodes)


def traffic_bytes(row: Row, dtype: Dtype = "fp32") -> int:
    """Return inputs + parameters + outputs of each layer, each moved once, for one image."""
    inputs = sum(shape.numel for node in row.nodes for shape in node.input_shapes)
    return (inputs + row.params + activation_elems(row.nodes)) * BYTES[dtype]


def arithmetic_intensity(row: Row, dtype: Dtype = "fp32") -> Fraction:
    """Return the FLOPs per byte of traffic."""
    return Fraction(row.flops, traffic_bytes(row, dtype))


def peak_bytes(
    graph: Graph, dtype: Dtype = "fp32", *, batch: int = 1, inplace: bool = False
) -> int:
    """Return the largest sum of activations alive at once while the layers run in order.

    A tensor lives from the layer that makes it to the last that reads it; the input of the network
    lives from the start and its output to the end. So the source of a residual is kept until its
    addition. Flatten, dropout and slices make no new tensor. With `inplace`, activations and
    additions write over an input that nobody reads later.
    """
    return max(live_elems(graph, inplace=inplace)) * batch * BYTES[dtype]


def live_elems(graph: Graph, *, inplace: bool = False) -> list[int]:
    """Return the elements alive while each layer runs, its inputs and output included."""
    return [step.elems for step in timeline(graph, inplace=inplace)]


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """A layer at work: the elements of every tensor that is alive meanwhile, for one image.

    Tensors are named after the layers that made them, from the oldest on. `used` are those that the
    layer reads or writes; the others wait for a later one. An output that is written over an input
    has the name of that input.
    """

    node: Node
    alive: Mapping[str, int]
    used: frozenset[str]

    @property
    def elems(self) -> int:
        return sum(self.alive.values())


def timeline(graph: Graph, *, inplace: bool = False) -> list[TimelineStep]:
    """Return what is alive while each layer runs, by the rules of `peak_bytes`."""
    storage = _storages(graph)
    last_read = {storage[name]: i for i, node in enumerate(graph.nodes) for name in node.inputs}
    last_read[storage[graph.output_name]] = len(graph.nodes)
    alive = {INPUT: graph.input.numel}
    steps = []
    for i, node in enumerate(graph.nodes):
        inputs = dict.fromkeys(storage[name] for name in node.inputs)
        dying = [name for name in inputs if last_read[name] == i]
        made = {node.name: node.shape.numel} if storage[node.name] == node.name else {}
        overwrites = inplace and _output_of(node.layer) == "may overwrite" and bool(dying)
        during = alive if overwrites else alive | made
        steps.append(
            TimelineStep(node, dict(during), frozenset(inputs) | (during.keys() & made.keys()))
        )
        for name in dying:
            del alive[name]
        if node.name in last_read:
            alive |= made
    return steps


def peaks(steps: Sequence[TimelineStep]) -> list[TimelineStep]:
    """Return the steps with the most alive, in their order."""
    most = max(step.elems for step in steps)
    return [step for step in steps if step.elems == most]


def _storages(graph: Graph) -> dict[str, str]:
    """Return for each tensor the one whose memory it uses: its own, unless only passed on."""
    storage = {INPUT: INPUT}
    for node in graph.nodes:
        passes_on = _output_of(node.layer) == "the input"
        storage[node.name] = storage[node.inputs[0]] if passes_on else node.name
    return storage


def _output_of(layer: L.Layer) -> Literal["the input", "may overwrite", "new"]:
    """Return where a layer puts its output: the input itself, perhaps over it, or new memory."""
    match layer:
        case L.Flatten() | L.Dropout() | L.SliceChannels():
            return "the input"
        case L.Activation() | L.Add():
            return "may overwrite"
        case (
            L.Conv2d() | L.ConvTranspose2d() | L.Linear() | L.BatchNorm() | L.MaxPool2d()
            | L.AvgPool2d() | L.GlobalAvgPool() | L.Multiply() | L.Complement() | L.Concat()
            | L.ChannelShuffle() | L.SelectChannels() | L.Shift() | L.WeightedSum()
        ):  # fmt: skip
            return "new"
        case _:
            assert_never(layer)
