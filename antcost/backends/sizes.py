"""How many bytes a network takes as a file, predicted from its layers.

All of it is for inference, with batch norm folded. The bytes that are not weights were measured by
benchmarks/model_sizes.py, which prints what these predictions miss by.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never, get_args

from antcost.cost.folding import folded_norms
from antcost.cost.formulas import cost
from antcost.cost.memory import BYTES, Dtype
from antcost.graph import layers as L
from antcost.graph.graph import Graph, Node

FileFormat = Literal["onnx", "mlmodel", "mlpackage", "tflite"]
FORMATS: Mapping[FileFormat, str] = {
    "onnx": "ONNX",
    "mlmodel": "Core ML .mlmodel",
    "mlpackage": "Core ML .mlpackage",
    "tflite": "TFLite",
}
DTYPES: tuple[Dtype, ...] = get_args(Dtype)


@dataclass(frozen=True, slots=True)
class Array:
    """Scalars that are stored together; `channels` are those out of the weights of a layer."""

    scalars: int
    channels: int = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """A layer that is left at inference: the names of what it reads, and what is stored for it."""

    node: Node
    inputs: tuple[str, ...]
    arrays: tuple[Array, ...]


def stored_layers(graph: Graph) -> tuple[Stored, ...]:
    """The layers of a file. Dropout and what is folded into another layer are none of them."""
    norms = folded_norms(graph)
    biased = {node.inputs[0] for node in graph.nodes if node.name in norms}
    made_by: dict[str, str] = {}
    layers = []
    for node in graph.nodes:
        inputs = tuple(made_by.get(name, name) for name in node.inputs)
        if isinstance(node.layer, L.Dropout) or node.name in norms:
            made_by[node.name] = inputs[0]
        elif not node.origin.training:
            layers.append(Stored(node, inputs, tuple(_arrays(node, node.name in biased))))
    return tuple(layers)


def _arrays(node: Node, biased: bool) -> Iterator[Array]:
    """What is stored for a layer, which has a bias if a batch norm is folded into it."""
    match node.layer:
        case L.Conv2d(bias=bias) | L.ConvTranspose2d(bias=bias) | L.Linear(bias=bias):
            yield Array(cost(node).weights, node.shape.c)
            if bias or biased:
                yield Array(node.shape.c)
        case L.BatchNorm():
            yield from [Array(node.shape.c)] * 4
        case L.WeightedSum():
            yield from [Array(1)] * len(node.inputs)
        case (
            L.Activation() | L.MaxPool2d() | L.AvgPool2d() | L.GlobalAvgPool() | L.Add()
            | L.Multiply() | L.Complement() | L.Concat() | L.ChannelShuffle() | L.SelectChannels()
            | L.Shift() | L.SliceChannels() | L.Flatten() | L.Dropout()
        ):  # fmt: skip
            return
        case _:
            assert_never(node.layer)


def file_bytes(graph: Graph, form: FileFormat, dtype: Dtype = "fp32") -> int | None:
    """Bytes of a file whose weights are stored as `dtype`; None where nothing was measured."""
    layers = stored_layers(graph)
    match form:
        case "onnx":
            return _onnx_bytes(graph, layers, dtype)
        case "mlmodel":
            return _mlmodel_bytes(layers, dtype)
        case "mlpackage":
            return _mlpackage_bytes(layers, dtype)
        case "tflite":
            return _tflite_bytes(layers) if dtype == "fp32" else None
        case _:
            assert_never(form)


ONNX_FILE, ONNX_LIMITS = 95, 31
"""What surrounds the layers, and the constants that all ReLU6 share."""
ONNX_BIAS, ONNX_SCALES = 26, 111
"""What a bias adds to a layer, and what the scales of integers and their multiplication do."""


def _onnx_bytes(graph: Graph, layers: Sequence[Stored], dtype: Dtype) -> int:
    """The arrays, and for each layer its own bytes and its name wherever that is written.

    Beside integers there is an fp32 scale for each channel out, and all other scalars are fp32.
    """
    limited = any(layer.node.layer == L.Activation("relu6") for layer in layers)
    total = ONNX_FILE + len(graph.name) + limited * ONNX_LIMITS
    for layer in layers:
        own, names = _onnx_layer(layer.node)
        for array in layer.arrays:
            kernel = array.channels > 0
            names += 2
            if kernel and dtype == "int8":
                own += ONNX_SCALES + array.scalars + 4 * array.channels
                names += 5
            else:
                own += array.scalars * (2 if dtype == "fp16" else 4)
                own += 0 if kernel or isinstance(layer.node.layer, L.BatchNorm) else ONNX_BIAS
        total += own + names * len(layer.node.name) + sum(map(len, layer.inputs))
    return total


def _onnx_layer(node: Node) -> tuple[int, int]:
    """Bytes of a layer without names and learned scalars, and how often its name is written."""
    terms = len(node.inputs)
    match node.layer:
        case L.Conv2d():
            return 144, 2
        case L.ConvTranspose2d():
            return 128, 2
        case L.Linear():
            return 62, 2
        case L.BatchNorm():
            return 181, 2
        case L.Activation(function="silu"):
            return 47, 6
        case L.Activation(function=kind):
            return {"relu6": 25, "leaky_relu": 36, "hardsigmoid": 55}.get(kind, 10 + len(kind)), 2
        case L.MaxPool2d():
            return 78, 2
        case L.AvgPool2d():
            return 108, 2
        case L.GlobalAvgPool():
            return 27, 2
        case L.Add():
            return 30 * terms - 45, 3 * terms - 4
        case L.Multiply():
            return (15, 2) if node.input_shapes[1].rank > 1 else (103, 7)
        case L.Complement():
            return 35, 4
        case L.Concat():
            return 27 + 2 * terms, 2
        case L.ChannelShuffle():
            return 254, 12
        case L.SelectChannels(channels=channels):
            return 56 + 8 * channels, 4
        case L.Shift():
            return 278, 13
        case L.SliceChannels():
            return 109, 8
        case L.WeightedSum():
            return 67 * terms - 45, 6 * terms - 4
        case L.Flatten():
            return 17, 2
        case L.Dropout():
            return 0, 0
        case _:
            assert_never(node.layer)


@dataclass(frozen=True, slots=True)
class Overhead:
    """Bytes that a layer takes beside its arrays.

    `stored` if it has some, `plain` for activations, additions and flattening, which have next to
    no settings, and `other` for the rest. `integers` is for each array of them.
    """

    stored: int
    plain: int
    other: int
    integers: int = 0

    def of(self, layer: Stored) -> int:
        """The bytes of one layer."""
        if layer.arrays:
            return self.stored
        plain = isinstance(layer.node.layer, L.Activation | L.Add | L.Flatten)
        return self.plain if plain else self.other


MLMODEL: Mapping[Dtype, Overhead] = {
    "fp32": Overhead(stored=82, plain=57, other=94),
    "fp16": Overhead(stored=81, plain=57, other=94),
    "int8": Overhead(stored=110, plain=55, other=115),
}
MLMODEL_FILE = 580
"""What surrounds the layers."""


def _mlmodel_bytes(layers: Iterable[Stored], dtype: Dtype) -> int:
    """coremltools stores a bias for every linear layer, and makes integers of biases, too.

    Integers have an fp32 scale and bias for each channel out.
    """
    total = MLMODEL_FILE
    for layer in layers:
        total += MLMODEL[dtype].of(layer) + BYTES[dtype] * _indices(layer.node)
        for array in layer.arrays:
            total += BYTES[dtype] * array.scalars + (8 * array.channels if dtype == "int8" else 0)
        if isinstance(layer.node.layer, L.Linear) and len(layer.arrays) == 1:
            total += BYTES[dtype] * layer.node.shape.c
    return total


MLPACKAGE: Mapping[Dtype, Overhead] = {
    "fp32": Overhead(stored=1295, plain=47, other=366),
    "fp16": Overhead(stored=1380, plain=54, other=431),
    "int8": Overhead(stored=1339, plain=0, other=426, integers=476),
}
MLPACKAGE_FILES = 1480
"""What surrounds the layers: the manifest (617), the head of the weights (64) and the rest."""
BLOCK = 64
"""Arrays in the file of weights start at multiples of this, each after a head of this size."""
FEWEST_SCALARS, FEWEST_INTEGERS = 10, 2049
"""Smaller arrays are no part of that file; smaller weights stay in half precision."""


def _mlpackage_bytes(layers: Iterable[Stored], dtype: Dtype) -> int:
    """coremltools makes integers of large weights, with an fp16 scale for each channel out.

    All other scalars of such a file are fp16.
    """
    total = MLPACKAGE_FILES
    for layer in layers:
        total += MLPACKAGE[dtype].of(layer) + 2 * _indices(layer.node)
        for array in layer.arrays:
            if dtype == "int8" and array.channels and array.scalars >= FEWEST_INTEGERS:
                total += _in_blocks(array.scalars, 1) + _in_blocks(array.channels, 2)
                total += MLPACKAGE[dtype].integers
            else:
                total += _in_blocks(array.scalars, max(2, BYTES[dtype]))
    return total


def _in_blocks(scalars: int, bytes_each: int) -> int:
    """Bytes of an array in the file of weights."""
    blocks = 1 + -(-scalars * bytes_each // BLOCK)
    return BLOCK * blocks if scalars >= FEWEST_SCALARS else 0


def _indices(node: Node) -> int:
    return node.layer.channels if isinstance(node.layer, L.SelectChannels) else 0


TFLITE_LAYER = 1460
"""Of litert-torch: 14.045 MB for MobileNetV2, which has 64 operators. Not measured here."""


def _tflite_bytes(layers: Sequence[Stored]) -> int:
    """ReLU and ReLU6 are part of the operator before them, and a flattened vector is none."""
    fused = (L.Activation("relu"), L.Activation("relu6"), L.Flatten())
    operators = sum(layer.node.layer not in fused for layer in layers)
    scalars = sum(array.scalars for layer in layers for array in layer.arrays)
    return 4 * scalars + TFLITE_LAYER * operators
