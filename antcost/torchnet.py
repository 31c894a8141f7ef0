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
from antcost.graph.graph import INPUT, Graph, Node
from antcost.graph.layers import (
    Activation,
    ActivationKind,
    Add,
    AvgPool2d,
    BatchNorm,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool2d,
    Multiply,
    Pair,
    WeightedSum,
)

ACTIVATIONS: dict[ActivationKind, type[nn.Module]] = {
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


class SameAvgPool2d(nn.Module):
    """Average pooling whose padding is odd: more at the end, and never part of a mean."""

    def __init__(self, kernel: Pair, stride: Pair, padding: Pair) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        (height, width) = padding
        self.sides = (width // 2, width - width // 2, height // 2, height - height // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (n, c, h, w) to (n, c, ceil(h / stride), ceil(w / stride))."""
        inside = self._pool(torch.ones_like(x[:1, :1]))
        return self._pool(x) / inside

    def _pool(self, x: Tensor) -> Tensor:
        return functional.avg_pool2d(functional.pad(x, self.sides), self.kernel, self.stride)


def torch_module(graph: Graph, seed: int = 0) -> fx.GraphModule:
    """The network as a torch module for batches (n, c, h, w), in training mode.

    `named_modules()` has the names of the spec's stages, blocks and layers. Weights are random from
    `seed`: those of convolutions as in arXiv 1502.01852 (Kaiming), the others as torch makes them.
    The random state outside stays as it is. Raises AntcostError for a stage whose name is taken by
    torch, such as "train".
    """
    for stage in dict.fromkeys(node.place.stage for node in graph.nodes):
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
    """One module that holds the others under their dotted names, in their order."""
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
    """The module of a layer, or None for a layer that is a plain function."""
    x = node.input_shapes[0]
    match node.layer:
        case Conv2d() as layer:
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
        case Linear(channels=channels, bias=bias):
            return nn.Linear(x.c, channels, bias)
        case BatchNorm():
            return nn.BatchNorm1d(x.c) if x.rank == 1 else nn.BatchNorm2d(x.c)
        case Activation(kind=kind):
            return ACTIVATIONS[kind]()
        case MaxPool2d() as layer:
            return nn.MaxPool2d(layer.kernel, layer.stride, _even_padding(layer, (1, 1)))
        case AvgPool2d() as layer:
            total = _same_padding(layer.kernel, (1, 1))
            if layer.padding == "same" and (total[0] % 2 or total[1] % 2):
                return SameAvgPool2d(layer.kernel, layer.stride, total)
            padding = _even_padding(layer, (1, 1))
            return nn.AvgPool2d(layer.kernel, layer.stride, padding, count_include_pad=False)
        case GlobalAvgPool():
            return nn.AdaptiveAvgPool2d(1)
        case WeightedSum():
            return SoftmaxSum(len(node.inputs))
        case Flatten():
            return nn.Flatten()
        case Dropout(rate=rate):
            return nn.Dropout(rate)
        case Add() | Multiply() | Concat():
            return None
        case _:
            assert_never(node.layer)


def _call(recorder: fx.Graph, node: Node, inputs: list[fx.Node]) -> fx.Node:
    """Record what makes the layer's output from its inputs."""
    match node.layer:
        case Add():
            return reduce(lambda a, b: recorder.call_function(operator.add, (a, b)), inputs)
        case Multiply():
            x, factor = inputs
            for _ in range(node.input_shapes[0].rank - node.input_shapes[1].rank):
                factor = recorder.call_method("unsqueeze", (factor, -1))
            return recorder.call_function(operator.mul, (x, factor))
        case Concat():
            return recorder.call_function(torch.cat, (inputs,), {"dim": 1})
        case Conv2d(dilation=dilation) as layer:
            x = _pad_end(recorder, inputs[0], layer, dilation, 0.0)
            return recorder.call_module(node.name, (x,))
        case MaxPool2d() as layer:
            x = _pad_end(recorder, inputs[0], layer, (1, 1), -torch.inf)
            return recorder.call_module(node.name, (x,))
        case _:
            return recorder.call_module(node.name, tuple(inputs))


def _even_padding(layer: Conv2d | MaxPool2d | AvgPool2d, dilation: Pair) -> Pair:
    """The padding that is equal on both sides, which torch's layers take."""
    if layer.padding == "valid":
        return 0, 0
    if layer.padding == "same":
        height, width = _same_padding(layer.kernel, dilation)
        return height // 2, width // 2
    return layer.padding


def _pad_end(
    recorder: fx.Graph,
    x: fx.Node,
    layer: Conv2d | MaxPool2d | AvgPool2d,
    dilation: Pair,
    fill: float,
) -> fx.Node:
    """Pad the last row and column where "same" needs an odd number, as for even kernels."""
    height, width = _same_padding(layer.kernel, dilation) if layer.padding == "same" else (0, 0)
    if height % 2 == width % 2 == 0:
        return x
    ends = (0, width % 2, 0, height % 2)
    return recorder.call_function(functional.pad, (x, ends), {"value": fill})


def _same_padding(kernel: Pair, dilation: Pair) -> Pair:
    """Rows and columns that leave one place of the window for each stride."""
    return dilation[0] * (kernel[0] - 1), dilation[1] * (kernel[1] - 1)
