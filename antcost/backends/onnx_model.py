"""From a Graph to an ONNX model, written with onnx.helper: no framework on the way.

This module needs onnx and NumPy; `antcost.onnx_model` imports it when it is first used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from antcost.cost.folding import folded_norms
from antcost.cost.memory import Dtype
from antcost.errors import AntcostError
from antcost.graph import layers as L
from antcost.graph.graph import INPUT, Graph, Node
from antcost.graph.shapes import end_padding
from antcost.version import __version__

OPSET = 20
IR_VERSION = 10
IMAGE, OUTPUT = "image", "output"
PART = "/"
"""Stands between the name of a layer and that of a part of it, where it needs several nodes."""
EPSILON = 1e-5
FLOATS = {"fp32": np.float32, "fp16": np.float16, "int8": np.float32}
TENSORS = {"fp32": TensorProto.FLOAT, "fp16": TensorProto.FLOAT16, "int8": TensorProto.FLOAT}
"""What a model computes in, by the type that its weights are stored in."""
OPERATORS: Mapping[L.ActivationKind, tuple[str, Mapping[str, float]]] = {
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.01}),
    "elu": ("Elu", {}),
    "gelu": ("Gelu", {}),
    "mish": ("Mish", {}),
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
    "hardsigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "hardswish": ("HardSwish", {}),
}
Array = npt.NDArray[Any]
Weights = Mapping[str, Array]


def onnx_model(
    graph: Graph,
    weights: Weights | None = None,
    *,
    seed: int = 0,
    fold: bool = True,
    dtype: Dtype = "fp32",
    batch: int | None = None,
) -> ModelProto:
    """Return the network at inference as an ONNX model, from "image" (n, c, h, w) to "output".

    Nodes have the names of the layers. `weights` are those of `antcost.torch_module`, by the names
    of its `state_dict()`, as NumPy arrays; without them they are random from `seed`. With `fold`,
    batch norm becomes part of the convolution or linear layer before it, as deployed networks have
    it. "fp16" computes in half precision; "int8" stores weights as integers, with a scale for each
    channel out, and computes in fp32. Any number of images fits unless `batch` fixes it.
    Raises AntcostError for weights that are missing or of another shape.
    """
    chosen = random_weights(graph, seed) if weights is None else weights
    writer = _Writer(chosen, dtype)
    norms = folded_norms(graph) if fold else {}
    norm_after = {node.inputs[0]: node for node in graph.nodes if node.name in norms}
    tensors = {INPUT: IMAGE}
    for node in graph.nodes:
        if not node.origin.training:
            inputs = [tensors[name] for name in node.inputs]
            passes_on = isinstance(node.layer, L.Dropout) or node.name in norms
            norm = norm_after.get(node.name)
            tensors[node.name] = inputs[0] if passes_on else _write(writer, node, inputs, norm)
    return _model(graph, writer, tensors[graph.output_name], batch)


def random_weights(graph: Graph, seed: int = 0) -> dict[str, Array]:
    """Return weights by the names of torch's `state_dict()`.

    Those of convolutions and linear layers are normal, of variance 2 / fan-in (arXiv 1502.01852);
    batch norm does nothing yet.
    """
    rng = np.random.default_rng(seed)
    weights: dict[str, Array] = {}
    for node in graph.nodes:
        for name, shape in _weight_shapes(node).items():
            weights[f"{node.name}.{name}"] = _random(node, name, shape, rng)
    return weights


def _random(node: Node, name: str, shape: Sequence[int], rng: np.random.Generator) -> Array:
    match node.layer:
        case L.SelectChannels(channels=channels):
            c_in = node.input_shapes[0].c
            return rng.permutation(max(c_in, channels))[:channels] % c_in
        case L.Conv2d() | L.ConvTranspose2d() | L.Linear() if name == "weight":
            spread = np.float32(sqrt(2 / np.prod(shape[1:])))
            return rng.standard_normal(shape, np.float32) * spread
        case L.BatchNorm() if name in ("weight", "running_var"):
            return np.ones(shape, np.float32)
        case (
            L.Conv2d() | L.ConvTranspose2d() | L.Linear() | L.BatchNorm() | L.Activation()
            | L.MaxPool2d() | L.AvgPool2d() | L.GlobalAvgPool() | L.Add() | L.Multiply()
            | L.Complement() | L.Concat() | L.ChannelShuffle() | L.Shift() | L.SliceChannels()
            | L.WeightedSum() | L.Flatten() | L.Dropout()
        ):  # fmt: skip
            return np.zeros(shape, np.float32)
        case _:
            assert_never(node.layer)


def _weight_shapes(node: Node) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a layer's weights, as torch has them."""
    x = node.input_shapes[0]
    match node.layer:
        case L.Conv2d(channels=channels, kernel=kernel, groups=groups, bias=bias):
            shapes = {"weight": (channels, x.c // groups, *kernel)}
            return shapes | ({"bias": (channels,)} if bias else {})
        case L.ConvTranspose2d(channels=channels, kernel=kernel, groups=groups, bias=bias):
            shapes = {"weight": (x.c, channels // groups, *kernel)}
            return shapes | ({"bias": (channels,)} if bias else {})
        case L.Linear(channels=channels, bias=bias):
            return {"weight": (channels, x.c)} | ({"bias": (channels,)} if bias else {})
        case L.BatchNorm():
            return dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (x.c,))
        case L.WeightedSum():
            return {"weight": (len(node.inputs),)}
        case L.SelectChannels(channels=channels):
            return {"index": (channels,)}
        case (
            L.Activation() | L.MaxPool2d() | L.AvgPool2d() | L.GlobalAvgPool() | L.Add()
            | L.Multiply() | L.Complement() | L.Concat() | L.ChannelShuffle() | L.Shift()
            | L.SliceChannels() | L.Flatten() | L.Dropout()
        ):  # fmt: skip
            return {}
        case _:
            assert_never(node.layer)


@dataclass(frozen=True, slots=True)
class _Writer:
    """Collects the nodes and constants of the model."""

    weights: Weights
    dtype: Dtype
    nodes: list[NodeProto] = field(default_factory=list)
    constants: dict[str, TensorProto] = field(default_factory=dict)

    def node(self, op: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """Return a node whose one output has its name."""
        self.nodes.append(helper.make_node(op, inputs, [name], name, **attributes))
        return name

    def constant(self, name: str, values: Any) -> str:
        """Return a tensor of floats, in the model's precision, or of integers."""
        array = np.ascontiguousarray(values)
        if np.issubdtype(array.dtype, np.floating):
            array = array.astype(FLOATS[self.dtype])
        self.constants[name] = numpy_helper.from_array(array.reshape(np.shape(values)), name)
        return name

    def kernel(self, name: str, values: Array, axis: int) -> str:
        """Return the weights of a convolution or linear layer, whose channels out are `axis`."""
        if self.dtype != "int8":
            return self.constant(name, values)
        others = tuple(i for i in range(values.ndim) if i != axis)
        scale = np.maximum(np.abs(values).max(axis=others, keepdims=True), 1e-12) / 127
        stored = self.constant(f"{name}_int8", np.rint(values / scale).astype(np.int8))
        scales = self.constant(f"{name}_scale", scale.ravel().astype(np.float32))
        return self.node("DequantizeLinear", [stored, scales], name, axis=axis)

    def of(self, node: Node, name: str) -> Array:
        """Return one array of a layer. Raises AntcostError if it is missing or does not fit."""
        key, shape = f"{node.name}.{name}", _weight_shapes(node)[name]
        if key not in self.weights:
            raise AntcostError(f"the weights {key} are missing")
        values = np.asarray(self.weights[key])
        if values.shape != shape:
            raise AntcostError(f"the weights {key} have the shape {values.shape}, not {shape}")
        return values


def _write(writer: _Writer, node: Node, inputs: list[str], norm: Node | None) -> str:
    """Write the nodes of one layer; returns the tensor that they make. `norm` is folded into it."""
    x, name = node.input_shapes[0], node.name
    match node.layer:
        case L.Conv2d() as layer:
            return writer.node(
                "Conv",
                [*inputs, *_parameters(writer, node, norm, channel_axis=0)],
                name,
                kernel_shape=layer.kernel,
                strides=layer.stride,
                pads=_pads(node, layer.dilation),
                dilations=layer.dilation,
                group=layer.groups,
            )
        case L.ConvTranspose2d() as layer:
            return writer.node(
                "ConvTranspose",
                [*inputs, *_parameters(writer, node, norm, channel_axis=1)],
                name,
                kernel_shape=layer.kernel,
                strides=layer.stride,
                pads=[*layer.padding, *layer.padding],
                group=layer.groups,
            )
        case L.Linear():
            parameters = _parameters(writer, node, norm, channel_axis=0)
            return writer.node("Gemm", [*inputs, *parameters], name, transB=1)
        case L.BatchNorm():
            names = ("weight", "bias", "running_mean", "running_var")
            values = [writer.constant(f"{name}.{key}", writer.of(node, key)) for key in names]
            return writer.node("BatchNormalization", [*inputs, *values], name, epsilon=EPSILON)
        case L.Activation(function="relu6"):
            limits = [writer.constant("zero", 0.0), writer.constant("six", 6.0)]
            return writer.node("Clip", [*inputs, *limits], name)
        case L.Activation(function="silu"):
            gate = writer.node("Sigmoid", inputs, f"{name}{PART}gate")
            return writer.node("Mul", [*inputs, gate], name)
        case L.Activation(function=kind):
            operator, attributes = OPERATORS[kind]
            return writer.node(operator, inputs, name, **attributes)
        case L.MaxPool2d() as layer:
            return writer.node(
                "MaxPool",
                inputs,
                name,
                kernel_shape=layer.kernel,
                strides=layer.stride,
                pads=_pads(node),
            )
        case L.AvgPool2d() as layer:
            return writer.node(
                "AveragePool",
                inputs,
                name,
                kernel_shape=layer.kernel,
                strides=layer.stride,
                pads=_pads(node),
                count_include_pad=0,
            )
        case L.GlobalAvgPool():
            return writer.node("GlobalAveragePool", inputs, name)
        case L.Add():
            return _sum(writer, inputs, name)
        case L.Multiply():
            factor = inputs[1]
            missing = range(node.input_shapes[1].rank + 1, x.rank + 1)
            if missing:
                axes = writer.constant(f"{name}{PART}axes", np.array(missing, np.int64))
                factor = writer.node("Unsqueeze", [factor, axes], f"{name}{PART}unsqueeze")
            return writer.node("Mul", [inputs[0], factor], name)
        case L.Complement():
            one = writer.constant(f"{name}{PART}one", 1.0)
            return writer.node("Sub", [one, *inputs], name)
        case L.Concat():
            return writer.node("Concat", inputs, name, axis=1)
        case L.ChannelShuffle(groups=groups):
            grouped = _reshape(writer, inputs[0], f"{name}{PART}split", groups, -1, *x.dims[1:])
            swapped = writer.node(
                "Transpose", [grouped], f"{name}{PART}transpose", perm=(0, 2, 1, 3, 4)
            )
            return _reshape(writer, swapped, name, *x.dims)
        case L.SelectChannels():
            index = writer.constant(f"{name}.index", writer.of(node, "index").astype(np.int64))
            return writer.node("Gather", [*inputs, index], name, axis=1)
        case L.Shift():
            rest = _slice(writer, inputs[0], f"{name}{PART}rest", (1, 1), x.dims[1:], (2, 3))
            ends = writer.constant(f"{name}{PART}ends", np.array((0, 0, 0, 0, 0, 0, 1, 1)))
            return writer.node("Pad", [rest, ends], name)
        case L.SliceChannels(start=start, channels=channels):
            return _slice(writer, inputs[0], name, (start,), (start + channels,), (1,))
        case L.WeightedSum():
            scores = np.exp(writer.of(node, "weight"))
            shares = scores / scores.sum()
            weighed = []
            for number, (branch, share) in enumerate(zip(inputs, shares, strict=True)):
                weight = writer.constant(f"{name}{PART}weight{number}", share)
                part = f"{name}{PART}branch{number}" if len(inputs) > 1 else name
                weighed.append(writer.node("Mul", [branch, weight], part))
            return _sum(writer, weighed, name)
        case L.Flatten():
            return writer.node("Flatten", inputs, name)
        case L.Dropout():
            return inputs[0]
        case _:
            assert_never(node.layer)


def _parameters(writer: _Writer, node: Node, norm: Node | None, channel_axis: int) -> list[str]:
    """Return weights and, where there is one, the bias, with a batch norm folded into them."""
    weight = writer.of(node, "weight")
    bias = writer.of(node, "bias") if "bias" in _weight_shapes(node) else None
    if norm is not None:
        gain, shift, mean, variance = (
            writer.of(norm, key) for key in ("weight", "bias", "running_mean", "running_var")
        )
        gain = gain / np.sqrt(variance + EPSILON)
        bias = shift + ((0 if bias is None else bias) - mean) * gain
        weight = _scaled(node, weight, gain)
    names = [writer.kernel(f"{node.name}.weight", weight, channel_axis)]
    return names if bias is None else [*names, writer.constant(f"{node.name}.bias", bias)]


def _scaled(node: Node, weight: Array, gain: Array) -> Array:
    """Return the weights of a layer whose channels out are each multiplied by a number."""
    if not isinstance(node.layer, L.ConvTranspose2d):
        return weight * gain.reshape(-1, *[1] * (weight.ndim - 1))
    groups = node.layer.groups
    grouped = weight.reshape(groups, -1, *weight.shape[1:])
    return (grouped * gain.reshape(groups, 1, -1, 1, 1)).reshape(weight.shape)


def _pads(node: Node, dilation: L.Pair = (1, 1)) -> list[int]:
    """Return padding before the rows and the columns, then after them."""
    layer, x, y = node.layer, node.input_shapes[0], node.shape
    assert isinstance(layer, L.Conv2d | L.MaxPool2d | L.AvgPool2d)
    sides = list(zip((x.h, x.w), layer.kernel, layer.stride, dilation, strict=True))
    if layer.padding == "same":
        before = [reach * (kernel - 1) // 2 for _, kernel, _, reach in sides]
        after = [pad + end_padding(*side) for pad, side in zip(before, sides, strict=True)]
        return [*before, *after]
    before = [0, 0] if layer.padding == "valid" else list(layer.padding)
    if not (isinstance(layer, L.MaxPool2d) and layer.ceil):
        return [*before, *before]
    ends = [
        (places - 1) * stride + kernel - size - pad
        for places, pad, (size, kernel, stride, _) in zip((y.h, y.w), before, sides, strict=True)
    ]
    return [*before, *(max(end, 0) for end in ends)]


def _sum(writer: _Writer, inputs: Sequence[str], name: str) -> str:
    total = inputs[0]
    for number, other in enumerate(inputs[1:], start=2):
        part = name if number == len(inputs) else f"{name}{PART}sum{number}"
        total = writer.node("Add", [total, other], part)
    return total


def _reshape(writer: _Writer, x: str, name: str, *dims: int) -> str:
    shape = writer.constant(f"{name}{PART}shape", np.array((0, *dims), np.int64))
    return writer.node("Reshape", [x, shape], name)


def _slice(
    writer: _Writer,
    x: str,
    name: str,
    starts: Sequence[int],
    ends: Sequence[int],
    axes: Sequence[int],
) -> str:
    limits = {"starts": starts, "ends": ends, "axes": axes}
    inputs = [
        writer.constant(f"{name}{PART}{key}", np.array(values, np.int64))
        for key, values in limits.items()
    ]
    return writer.node("Slice", [x, *inputs], name)


def _model(graph: Graph, writer: _Writer, output: str, batch: int | None) -> ModelProto:
    """Return the nodes as a model; the tensor `output` gets the name of what the network makes."""
    if output == IMAGE:
        output = writer.node("Identity", [IMAGE], OUTPUT)
    for node in writer.nodes:
        for names in (node.input, node.output):
            names[:] = [OUTPUT if name == output else name for name in names]
    kind, images = TENSORS[writer.dtype], "n" if batch is None else batch
    image = helper.make_tensor_value_info(IMAGE, kind, (images, *graph.input.dims))
    result = helper.make_tensor_value_info(OUTPUT, kind, (images, *graph.output.dims))
    body = helper.make_graph(
        writer.nodes, graph.name, [image], [result], list(writer.constants.values())
    )
    return helper.make_model(
        body,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="antcost",
        producer_version=__version__,
    )
