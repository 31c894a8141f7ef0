"""From a Graph to a torch module: an ordinary, trainable one with the names of the spec.

This module needs torch; `antcost.torch_module` imports it when it is first used.
"""

import operator
from collections.abc import Mapping
from functools import reduce
from keyword import iskeyword
from typing import assert_never

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from antcost.errors import AntcostError
from antcost.graph import layers as L
from antcost.graph.graph import INPUT, Graph, Node
from antcost.graph.shapes import end_padding

ACTIVATIONS: dict[L.ActivationKind, type[nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "hardsigmoid": nn.Hardsigmoid,
    "hardswish": nn.Hardswish,
}


class SoftmaxSum(nn.Module):
    """Sum of branches, weighted by a softmax over one learned scalar per branch."""

    def __init__(self, branches: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(branches))

    def forward(self, *branches: Tensor) -> Tensor:
        """Shapes: all (n, c, h, w)."""
        shares = self.weight.softmax(0)
        return torch.stack([share * x for share, x in zip(shares, branches, strict=True)]).sum(0)


class ChannelSelection(nn.Module):
    """Channels by a fixed index, random until that of a trained network is loaded."""

    index: Tensor

    def __init__(self, c_in: int, channels: int) -> None:
        super().__init__()
        order = torch.randperm(max(c_in, channels))
        self.register_buffer("index", order[:channels] % c_in)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (n, c_in, ...) to (n, channels, ...)."""
        return x.index_select(1, self.index)


class ShiftedMap(nn.Module):
    """A map moved one pixel up and to the left; zeros enter at the bottom and at the right."""

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (n, c, h, w) to (n, c, h, w)."""
        return functional.pad(x[..., 1:, 1:], (0, 1, 0, 1))


class SameAvgPool2d(nn.Module):
    """Average pooling with "same" padding and an even kernel: one row or column more at the end.

    No padding is part of a mean.
    """

    def __init__(self, kernel: L.Pair, stride: L.Pair) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.padding = _same_padding(kernel, (1, 1))
        self.pool = nn.AvgPool2d(kernel, stride, self.padding)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (n, c, h, w) to (n, c, ceil(h / stride), ceil(w / stride))."""
        pooled: Tensor = self.pool(pad_end(x, self.kernel, self.stride))
        rows, columns = (
            self._inside(int(x.shape[axis]), int(pooled.shape[axis]), axis).to(x)
            for axis in (-2, -1)
        )
        return pooled / rows[:, None] / columns

    def _inside(self, size: int, windows: int, axis: int) -> Tensor:
        """Return the share of each window that lies inside the map along one axis."""
        kernel, stride, padding = self.kernel[axis], self.stride[axis], self.padding[axis]
        start = torch.arange(-padding, windows * stride - padding, stride)
        return ((start + kernel).clamp(max=size) - start.clamp(min=0)) / kernel


def pad_end(
    x: Tensor, kernel: L.Pair, stride: L.Pair, dilation: L.Pair = (1, 1), fill: float = 0.0
) -> Tensor:
    """Return the row and the column that "same" padding adds at the end only, where a window
    reaches them.

    Shapes: (n, c, h, w) to (n, c, h or h + 1, w or w + 1).
    """
    rows, columns = map(end_padding, map(int, x.shape[-2:]), kernel, stride, dilation)
    return functional.pad(x, (0, columns, 0, rows), value=fill) if rows or columns else x


def torch_module(graph: Graph, seed: int = 0) -> fx.GraphModule:
    """Return the network as a torch module for batches (n, c, h, w), in training mode.

    `named_modules()` has the names of the spec's stages, blocks and layers. Weights are random from
    `seed`: those of convolutions as in arXiv 1502.01852 (Kaiming), the others as torch makes them.
    The random state outside stays as it is. Raises AntcostError for a stage whose name is taken by
    torch, such as "train".
    """
    for stage in dict.fromkeys(node.origin.stage for node in graph.nodes):
        if iskeyword(stage) or hasattr(fx.GraphModule, stage) or hasattr(nn.Module(), stage):
            raise AntcostError(f"stage {stage!r}: a torch module cannot have this name; rename it")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        root = _nested({node.name: module for node in graph.nodes if (module := _module(node))})
    recorder = fx.Graph()
    tensors = {INPUT: recorder.placeholder("x")}
    for node in graph.nodes:
        tensors[node.name] = _call(recorder, node, [tensors[name] for name in node.inputs])
    recorder.output(tensors[graph.output_name])
    return fx.GraphModule(root, recorder, class_name="Network")


def _nested(modules: Mapping[str, nn.Module]) -> nn.Module:
    """Return one module that holds the others under their dotted names, in their order."""
    root = nn.Module()
    for name, module in modules.items():
        *path, leaf = name.split(".")
        parent = root
        for step in path:
            if step not in dict(parent.named_children()):
                parent.add_module(step, nn.Module())
            parent = parent.get_submodule(step)
        parent.add_module(leaf, module)
    return root


def _module(node: Node) -> nn.Module | None:
    """Return the module of a layer, or None for a layer that is a plain function."""
    x = node.input_shapes[0]
    match node.layer:
        case L.Conv2d() as layer:
            conv = nn.Conv2d(
                x.c,
                layer.channels,
                layer.kernel,
                layer.stride,
                _even_padding(layer, layer.dilation),
                layer.dilation,
                layer.groups,
                layer.bias,
            )
            nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
            return conv
        case L.ConvTranspose2d() as layer:
            transposed = nn.ConvTranspose2d(
                x.c,
                layer.channels,
                layer.kernel,
                layer.stride,
                layer.padding,
                groups=layer.groups,
                bias=layer.bias,
            )
            nn.init.kaiming_normal_(transposed.weight, mode="fan_in", nonlinearity="relu")
            return transposed
        case L.Linear(channels=channels, bias=bias):
            return nn.Linear(x.c, channels, bias)
        case L.BatchNorm():
            return nn.BatchNorm1d(x.c) if x.rank == 1 else nn.BatchNorm2d(x.c)
        case L.Activation(function=kind):
            return ACTIVATIONS[kind]()
        case L.MaxPool2d() as layer:
            padding = _even_padding(layer, (1, 1))
            return nn.MaxPool2d(layer.kernel, layer.stride, padding, ceil_mode=layer.ceil)
        case L.AvgPool2d() as layer:
            if layer.padding == "same" and any(side % 2 == 0 for side in layer.kernel):
                return SameAvgPool2d(layer.kernel, layer.stride)
            padding = _even_padding(layer, (1, 1))
            return nn.AvgPool2d(layer.kernel, layer.stride, padding, count_include_pad=False)
        case L.GlobalAvgPool():
            return nn.AdaptiveAvgPool2d(1)
        case L.WeightedSum():
            return SoftmaxSum(len(node.inputs))
        case L.ChannelShuffle(groups=groups):
            return nn.ChannelShuffle(groups)
        case L.SelectChannels(channels=channels):
            return ChannelSelection(x.c, channels)
        case L.Shift():
            return ShiftedMap()
        case L.Flatten():
            return nn.Flatten()
        case L.Dropout(rate=rate):
            return nn.Dropout(rate)
        case L.Add() | L.Multiply() | L.Complement() | L.Concat() | L.SliceChannels():
            return None
        case _:
            assert_never(node.layer)


def _call(recorder: fx.Graph, node: Node, inputs: list[fx.Node]) -> fx.Node:
    """Record what makes the layer's output from its inputs."""
    match node.layer:
        case L.Add():
            return reduce(lambda a, b: recorder.call_function(operator.add, (a, b)), inputs)
        case L.Multiply():
            x, factor = inputs
            for _ in range(node.input_shapes[0].rank - node.input_shapes[1].rank):
                factor = recorder.call_method("unsqueeze", (factor, -1))
            return recorder.call_function(operator.mul, (x, factor))
        case L.Complement():
            return recorder.call_function(operator.sub, (1, *inputs))
        case L.Concat():
            return recorder.call_function(torch.cat, (inputs,), {"dim": 1})
        case L.SliceChannels(start=start, channels=channels):
            return recorder.call_method("narrow", (inputs[0], 1, start, channels))
        case L.Conv2d(dilation=dilation) as layer:
            x = _pad_end(recorder, inputs[0], layer, dilation, 0.0)
            return recorder.call_module(node.name, (x,))
        case L.MaxPool2d() as layer:
            x = _pad_end(recorder, inputs[0], layer, (1, 1), -torch.inf)
            return recorder.call_module(node.name, (x,))
        case (
            L.ConvTranspose2d() | L.Linear() | L.BatchNorm() | L.Activation() | L.AvgPool2d()
            | L.GlobalAvgPool() | L.WeightedSum() | L.ChannelShuffle() | L.SelectChannels()
            | L.Shift() | L.Flatten() | L.Dropout()
        ):  # fmt: skip
            return recorder.call_module(node.name, tuple(inputs))
        case _:
            assert_never(node.layer)


def _even_padding(layer: L.Conv2d | L.MaxPool2d | L.AvgPool2d, dilation: L.Pair) -> L.Pair:
    """Return the padding that is equal on both sides, which torch's layers take."""
    if layer.padding == "valid":
        return 0, 0
    return _same_padding(layer.kernel, dilation) if layer.padding == "same" else layer.padding


def _same_padding(kernel: L.Pair, dilation: L.Pair) -> L.Pair:
    """Return what "same" adds on both sides; `pad_end` adds the rest for even kernels."""
    return dilation[0] * (kernel[0] - 1) // 2, dilation[1] * (kernel[1] - 1) // 2


def _pad_end(
    recorder: fx.Graph,
    x: fx.Node,
    layer: L.Conv2d | L.MaxPool2d,
    dilation: L.Pair,
    fill: float,
) -> fx.Node:
    """Record `pad_end` for a kernel that is even and has "same" padding."""
    reach = (dilation[0] * (layer.kernel[0] - 1), dilation[1] * (layer.kernel[1] - 1))
    if layer.padding != "same" or all(side % 2 == 0 for side in reach):
        return x
    return recorder.call_function(pad_end, (x, layer.kernel, layer.stride, dilation, fill))
