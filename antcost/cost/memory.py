"""Memory, beside `Cost`: what does not add up over layers, or has a unit of its own.

All functions are for inference. A tensor is `batch` images of its shape.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Literal

from antcost.cost.analysis import Row
from antcost.cost.counts import Cost
from antcost.graph.graph import INPUT, Graph, Node
from antcost.graph.layers import Activation, Add, Dropout, Flatten, SliceChannels

Dtype = Literal["fp32", "fp16", "int8"]
BYTES = {"fp32": 4, "fp16": 2, "int8": 1}


def param_bytes(cost: Cost, dtype: Dtype = "fp32") -> int:
    """Bytes of the learned parameters."""
    return cost.params * BYTES[dtype]


def activation_elems(nodes: Iterable[Node]) -> int:
    """Output elements of all layers, for one image."""
    return sum(node.shape.numel for node in nodes)


def traffic_bytes(row: Row, dtype: Dtype = "fp32") -> int:
    """Inputs + parameters + outputs of each layer, each moved once, for one image."""
    inputs = sum(shape.numel for node in row.nodes for shape in node.input_shapes)
    return (inputs + row.params + activation_elems(row.nodes)) * BYTES[dtype]


def arithmetic_intensity(row: Row, dtype: Dtype = "fp32") -> Fraction:
    """FLOPs per byte of traffic."""
    return Fraction(row.flops, traffic_bytes(row, dtype))


def peak_bytes(
    graph: Graph, dtype: Dtype = "fp32", *, batch: int = 1, inplace: bool = False
) -> int:
    """Largest sum of activations alive at once while the layers run in order.

    A tensor lives from the layer that makes it to the last that reads it; the input of the network
    lives from the start and its output to the end. So the source of a residual is kept until its
    addition. Flatten, dropout and slices make no new tensor. With `inplace`, activations and
    additions write over an input that nobody reads later.
    """
    return max(live_elems(graph, inplace=inplace)) * batch * BYTES[dtype]


def live_elems(graph: Graph, *, inplace: bool = False) -> list[int]:
    """Elements alive while each layer runs, its inputs and its output included, for one image."""
    storage = _storages(graph)
    last_read = {storage[name]: i for i, node in enumerate(graph.nodes) for name in node.inputs}
    last_read[storage[graph.output_name]] = len(graph.nodes)
    alive = {INPUT: graph.input.numel}
    timeline = []
    for i, node in enumerate(graph.nodes):
        dying = [name for name in {storage[name] for name in node.inputs} if last_read[name] == i]
        makes_tensor = storage[node.name] == node.name
        elems = node.shape.numel
        overwrites = inplace and isinstance(node.layer, Activation | Add) and bool(dying)
        timeline.append(sum(alive.values()) + (elems if makes_tensor and not overwrites else 0))
        for name in dying:
            del alive[name]
        if makes_tensor and node.name in last_read:
            alive[node.name] = elems
    return timeline


def _storages(graph: Graph) -> dict[str, str]:
    """For each tensor the one whose memory it uses: its own, unless a layer only passes it on."""
    storage = {INPUT: INPUT}
    for node in graph.nodes:
        passes_on = isinstance(node.layer, Flatten | Dropout | SliceChannels)
        storage[node.name] = storage[node.inputs[0]] if passes_on else node.name
    return storage
