"""How a runtime sees the layers of a network: the kernel that each runs in, and its work.

Vector units take `block` channels at a time, so that 24 of them may cost what 32 do. Runtimes merge
batch norm, activations and additions into a convolution. Only what lies within one block of the
network is looked at, so that what blocks take adds up to what their network takes.
"""

from collections import Counter
from dataclasses import dataclass
from typing import assert_never

from antcost.cost.analysis import NetCost, Row
from antcost.cost.memory import traffic_bytes
from antcost.graph import layers as L
from antcost.graph.graph import Graph, Node
from antcost.graph.operators import kind

BYTES = 4
ALIGNED = 4
"""Channels are blocked if this divides them (onnxruntime's NCHWc layout)."""
AFTER_CONV = " after conv"
IMAGE_CHANNELS = 4
"""Fewer channels than this are not blocked: those of an image."""


@dataclass(frozen=True, slots=True)
class KernelWork:
    """What one layer asks of a device: amounts that add up, for one image in fp32.

    `kinds` is what the layer is, the most exact name first. Multiply-adds and bytes are those of
    channels rounded up to whole blocks, and what windows of pools share is read again for each, but
    for `traffic_bytes`. `spilled_bytes` is what the maps have beyond the size of the cache, of a
    layer that does not run merged into a convolution; `groups` those that run one by one, and
    `window` the area of a kernel.
    """

    kinds: tuple[str, ...]
    traffic_bytes: int
    madds: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    weight_bytes: int = 0
    spilled_bytes: int = 0
    groups: int = 0
    window: int = 1
    layers: int = 1

    @property
    def moved_bytes(self) -> int:
        return self.input_bytes + self.output_bytes + self.weight_bytes


def kernel_work(cost: NetCost, block: int, cache_bytes: int) -> list[KernelWork]:
    """Return the work of every layer, for a device that takes `block` channels at once."""
    blocks = _Blocks(cost.graph)
    return [
        _work(row, _kinds(row.nodes[0], blocks, block), block, cache_bytes) for row in cost.layers
    ]


def _work(row: Row, kinds: tuple[str, ...], block: int, cache_bytes: int) -> KernelWork:
    node, merged = row.nodes[0], kinds[0].endswith(AFTER_CONV)
    inputs = sum(shape.numel for shape in node.input_shapes)
    madds, read, written, groups, window = row.madds, inputs, node.shape.numel, 0, 1
    match node.layer:
        case L.Conv2d(kernel=(k_h, k_w)) | L.ConvTranspose2d(kernel=(k_h, k_w)):
            window = k_h * k_w
            madds, read, written, groups = _conv_work(node, window, block)
        case L.MaxPool2d(kernel=(k_h, k_w)) | L.AvgPool2d(kernel=(k_h, k_w)):
            window = k_h * k_w
            read = window * node.shape.numel
        case (
            L.Linear() | L.BatchNorm() | L.Activation() | L.GlobalAvgPool() | L.Add()
            | L.Multiply() | L.Complement() | L.Concat() | L.ChannelShuffle() | L.SelectChannels()
            | L.Shift() | L.SliceChannels() | L.WeightedSum() | L.Flatten() | L.Dropout()
        ):  # fmt: skip
            pass
        case _:
            assert_never(node.layer)
    return KernelWork(
        kinds=kinds,
        traffic_bytes=traffic_bytes(row),
        madds=madds,
        input_bytes=read * BYTES,
        output_bytes=written * BYTES,
        weight_bytes=row.cost.weights * BYTES,
        spilled_bytes=0 if merged else _beyond((inputs + node.shape.numel) * BYTES, cache_bytes),
        groups=groups,
        window=window,
    )


def _conv_work(node: Node, window: int, block: int) -> tuple[int, int, int, int]:
    """Return multiply-adds, elements read and written, and groups that run one by one.

    Channels are blocked, or else it is a matrix product over blocks of pixels, for which the window
    around each pixel is first written in a row, unless it is 1x1.
    """
    x, y = node.input_shapes[0], node.shape
    assert isinstance(node.layer, L.Conv2d | L.ConvTranspose2d)
    groups = node.layer.groups
    if isinstance(node.layer, L.ConvTranspose2d) or not _blocked(node, block):
        map_ = x if isinstance(node.layer, L.ConvTranspose2d) else y
        rows = window * x.c * map_.h * map_.w if window > 1 else 0
        madds = window * (x.c // groups) * y.c * _whole(map_.h * map_.w, block)
        return madds, x.numel + rows, y.numel, groups
    c_read, c_written = _whole(x.c, block), _whole(y.c, block)
    if groups == 1 and x.c < IMAGE_CHANNELS:
        c_read, per_pixel = x.c, x.c * c_written
    elif _depthwise(node):
        per_pixel = c_written
    else:
        per_pixel = groups * _whole(x.c // groups, block) * _whole(y.c // groups, block)
    madds = window * per_pixel * y.h * y.w
    return madds, c_read * x.h * x.w, c_written * y.h * y.w, 0


def _whole(count: int, block: int) -> int:
    """Return the count, rounded up to whole blocks."""
    return (count + block - 1) // block * block


def _beyond(count: int, limit: int) -> int:
    """Return how much a count exceeds a limit, for arrays of counts, too."""
    excess = count - limit
    return (excess + abs(excess)) // 2


def _depthwise(node: Node) -> bool:
    """Return whether there is one channel out for each channel in."""
    assert isinstance(node.layer, L.Conv2d | L.ConvTranspose2d)
    groups = node.layer.groups
    return groups != 1 and bool(groups == node.input_shapes[0].c == node.shape.c)


def _blocked(node: Node, block: int) -> bool:
    """Return whether the channels of a convolution are taken block by block.

    Groups of channels have to be whole blocks each.
    """
    assert isinstance(node.layer, L.Conv2d | L.ConvTranspose2d)
    x, y, groups = node.input_shapes[0], node.shape, node.layer.groups
    if groups == 1 and x.c < IMAGE_CHANNELS:
        return y.c % ALIGNED == 0
    if groups == 1 or _depthwise(node):
        return x.c % ALIGNED == 0 and y.c % ALIGNED == 0
    return x.c // groups % block == 0 and y.c // groups % block == 0


class _Blocks:
    """What a layer finds within its own block: who made its inputs, and who else reads them."""

    def __init__(self, graph: Graph) -> None:
        self._makers = {node.name: node for node in graph.nodes}
        self._readers = Counter((name, node.origin) for node in graph.nodes for name in node.inputs)
        self._weighed = {
            (node.inputs[0], node.origin)
            for node in graph.nodes
            if isinstance(node.layer, L.Multiply)
        }

    def maker(self, node: Node, name: str) -> Node | None:
        """Return the layer of the block that made an input which nobody else there reads."""
        maker = self._makers.get(name)
        alone = self._readers[name, node.origin] == 1
        return maker if maker is not None and maker.origin == node.origin and alone else None

    def after_conv(self, node: Node, name: str) -> bool:
        """Return whether an input comes from a convolution or linear layer, and its batch norm."""
        maker = self.maker(node, name)
        if maker is not None and isinstance(maker.layer, L.BatchNorm):
            return self.after_conv(maker, maker.inputs[0])
        return maker is not None and isinstance(
            maker.layer, L.Conv2d | L.ConvTranspose2d | L.Linear
        )

    def weighed(self, node: Node) -> bool:
        """Return whether the input is also multiplied, as channel attention does with what it
        pools.
        """
        return (node.inputs[0], node.origin) in self._weighed


def _kinds(node: Node, blocks: _Blocks, block: int) -> tuple[str, ...]:
    """Return what the layer is to a runtime, by its surroundings; then its kind."""
    name = kind(node)
    match node.layer:
        case L.Conv2d(groups=1) if node.input_shapes[0].c < IMAGE_CHANNELS:
            return "conv of an image", name
        case L.Conv2d() | L.ConvTranspose2d() if not _blocked(node, block):
            return f"unaligned {name}", name
        case L.Add() if any(blocks.after_conv(node, tensor) for tensor in node.inputs):
            return f"{name}{AFTER_CONV}", name
        case L.Activation(function=function):
            maker = blocks.maker(node, node.inputs[0])
            if maker is not None and isinstance(maker.layer, L.Add):
                return f"{function} after {_kinds(maker, blocks, block)[0]}", function, name
            after_conv = blocks.after_conv(node, node.inputs[0])
            return (f"{function}{AFTER_CONV}", name) if after_conv else (function, name)
        case L.MaxPool2d() | L.AvgPool2d() if node.shape.c % block:
            return f"unaligned {name}", name
        case L.BatchNorm() | L.MaxPool2d() | L.AvgPool2d() if blocks.after_conv(
            node, node.inputs[0]
        ):
            return f"{name}{AFTER_CONV}", name
        case L.GlobalAvgPool() if blocks.weighed(node):
            return f"{name} of attention", name
        case (
            L.Conv2d() | L.ConvTranspose2d() | L.Linear() | L.BatchNorm() | L.Activation()
            | L.MaxPool2d() | L.AvgPool2d() | L.GlobalAvgPool() | L.Add() | L.Multiply()
            | L.Complement() | L.Concat() | L.ChannelShuffle() | L.SelectChannels() | L.Shift()
            | L.SliceChannels() | L.WeightedSum() | L.Flatten() | L.Dropout()
        ):  # fmt: skip
            return (name,)
        case _:
            assert_never(node.layer)
