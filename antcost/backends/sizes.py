"""About how many bytes a network takes as a file: its scalars, and some for each layer.

All of it is for inference, with batch norm folded. The bytes of a layer are a line fitted by
benchmarks/model_sizes.py, which prints what these estimates miss by.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from antcost.cost.counts import total
from antcost.cost.folding import folded_norms
from antcost.cost.formulas import cost
from antcost.cost.memory import BYTES, Dtype
from antcost.graph.graph import Graph

FileFormat = Literal["onnx", "mlmodel", "mlpackage", "tflite"]
FORMATS: Mapping[FileFormat, str] = {
    "onnx": "ONNX",
    "mlmodel": "Core ML .mlmodel",
    "mlpackage": "Core ML .mlpackage",
    "tflite": "TFLite",
}
DTYPES: tuple[Dtype, ...] = get_args(Dtype)


@dataclass(frozen=True, slots=True)
class Stored:
    """Counts of what a file holds.

    `weights` are those of convolutions and linear layers, `channels` their channels out; `others`
    are biases, branch weights and batch norm that stays. `layers` are those that hold any of it.
    """

    weights: int
    others: int
    layers: int
    channels: int


@dataclass(frozen=True, slots=True)
class Overhead:
    """Bytes that a format takes beside the weights: for each other scalar, for each channel out
    (its scale, where weights are integers), and for each layer that holds scalars.
    """

    other: int
    channel: int
    layer: int


OVERHEADS: Mapping[tuple[FileFormat, Dtype], Overhead] = {
    ("onnx", "fp32"): Overhead(other=4, channel=0, layer=560),
    ("onnx", "fp16"): Overhead(other=2, channel=0, layer=560),
    ("onnx", "int8"): Overhead(other=4, channel=4, layer=730),
    ("mlmodel", "fp32"): Overhead(other=4, channel=0, layer=210),
    ("mlmodel", "fp16"): Overhead(other=2, channel=0, layer=190),
    ("mlmodel", "int8"): Overhead(other=1, channel=8, layer=220),
    ("mlpackage", "fp32"): Overhead(other=4, channel=0, layer=1670),
    ("mlpackage", "fp16"): Overhead(other=2, channel=0, layer=1800),
    ("mlpackage", "int8"): Overhead(other=2, channel=2, layer=2250),
    ("tflite", "fp32"): Overhead(other=4, channel=0, layer=1770),
}
"""Core ML: of coremltools 9.0. TFLite: of the only file known, MobileNetV2 by litert-torch 0.10."""


def stored(graph: Graph) -> Stored:
    """Return what a file of the network holds; batch norm that stays has statistics, too."""
    norms = folded_norms(graph)
    nodes = [node for node in graph.nodes if not node.origin.training]
    costs = {node: cost(node, norms.get(node.name, 0)) for node in nodes}
    whole = total(costs.values())
    statistics = sum(of.norm_params for of in costs.values() if not of.norm_params_folded)
    return Stored(
        weights=whole.weights,
        others=whole.params - whole.norm_params_folded - whole.weights + statistics,
        layers=sum(node.name not in norms and of.params > 0 for node, of in costs.items()),
        channels=sum(node.shape.c for node, of in costs.items() if of.weights),
    )


def file_bytes(graph: Graph, form: FileFormat, dtype: Dtype = "fp32") -> int | None:
    """Estimate the bytes of a file whose weights are `dtype`; None where nothing was measured."""
    overhead = OVERHEADS.get((form, dtype))
    if overhead is None:
        return None
    of = stored(graph)
    return (
        BYTES[dtype] * of.weights
        + overhead.other * of.others
        + overhead.channel * of.channels
        + overhead.layer * of.layers
    )
