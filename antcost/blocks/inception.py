"""The modules of GoogLeNet (arXiv 1409.4842) and Inception-v3 (arXiv 1512.00567).

`branches` are the channels of the convolutions of each branch, in the order of the papers' figures;
a branch is written below as its kernels. Their defaults are those of the papers' first such module.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Strict

from antcost.blocks.fields import Size, Width
from antcost.blocks.registry import block
from antcost.graph.tape import Tape, Tensor

One = Annotated[tuple[Width], Strict(False)]
Two = Annotated[tuple[Width, Width], Strict(False)]
Three = Annotated[tuple[Width, Width, Width], Strict(False)]
Four = Annotated[tuple[Width, Width, Width, Width], Strict(False)]
Five = Annotated[tuple[Width, Width, Width, Width, Width], Strict(False)]


@block("inception")
def inception(
    net: Tape,
    x: Tensor,
    *,
    branches: Annotated[tuple[One, Two, Two, One], Strict(False)] = (
        (64,),
        (96, 128),
        (16, 32),
        (32,),
    ),
    kernel: Size = 5,
    norm: bool = True,
) -> Tensor:
    """The module of GoogLeNet; its convolutions have biases if they have no batch norm."""
    ones, threes, fives, pooled = branches
    pool = net.max_pool(x, kernel=3, stride=1, padding="same")
    return net.concat(
        _branch(net, x, "ones", ones, [1], norm=norm),
        _branch(net, x, "threes", threes, [1, 3], norm=norm),
        _branch(net, x, "fives", fives, [1, kernel], norm=norm),
        _branch(net, pool, "pooled", pooled, [1], norm=norm),
    )


@block("inception_a")
def inception_a(
    net: Tape,
    x: Tensor,
    *,
    branches: Annotated[tuple[One, Two, Three, One], Strict(False)] = (
        (64,),
        (48, 64),
        (64, 96, 96),
        (32,),
    ),
) -> Tensor:
    """Inception-v3 on 35x35: as in GoogLeNet, with two 3x3 in a branch and an average pool."""
    ones, fives, threes, pooled = branches
    return net.concat(
        _branch(net, x, "ones", ones, [1]),
        _branch(net, x, "fives", fives, [1, 5]),
        _branch(net, x, "threes", threes, [1, 3, 3]),
        _branch(net, _average(net, x), "pooled", pooled, [1]),
    )


@block("inception_b")
def inception_b(
    net: Tape,
    x: Tensor,
    *,
    branches: Annotated[tuple[One, Three], Strict(False)] = ((384,), (64, 96, 96)),
) -> Tensor:
    """Inception-v3, Figure 10: the map is halved, from 35 to 17."""
    threes, deep = branches
    return net.concat(
        _branch(net, x, "threes", threes, [3], stride=2),
        _branch(net, x, "deep", deep, [1, 3, 3], stride=2),
        net.max_pool(x, kernel=3, stride=2, padding="valid"),
    )


@block("inception_c")
def inception_c(
    net: Tape,
    x: Tensor,
    *,
    branches: Annotated[tuple[One, Three, Five, One], Strict(False)] = (
        (192,),
        (128, 128, 192),
        (128, 128, 128, 128, 192),
        (192,),
    ),
) -> Tensor:
    """Inception-v3, Figure 6: 7x7 as 1x7 and 7x1."""
    ones, sevens, deep, pooled = branches
    return net.concat(
        _branch(net, x, "ones", ones, [1]),
        _branch(net, x, "sevens", sevens, [1, (1, 7), (7, 1)]),
        _branch(net, x, "deep", deep, [1, (7, 1), (1, 7), (7, 1), (1, 7)]),
        _branch(net, _average(net, x), "pooled", pooled, [1]),
    )


@block("inception_d")
def inception_d(
    net: Tape,
    x: Tensor,
    *,
    branches: Annotated[tuple[Two, Four], Strict(False)] = ((192, 320), (192, 192, 192, 192)),
) -> Tensor:
    """Inception-v3, as Figure 10: the map is halved, from 17 to 8."""
    threes, sevens = branches
    return net.concat(
        _branch(net, x, "threes", threes, [1, 3], stride=2),
        _branch(net, x, "sevens", sevens, [1, (1, 7), (7, 1), 3], stride=2),
        net.max_pool(x, kernel=3, stride=2, padding="valid"),
    )


@block("inception_e")
def inception_e(
    net: Tape,
    x: Tensor,
    *,
    branches: Annotated[tuple[One, Three, Four, One], Strict(False)] = (
        (320,),
        (384, 384, 384),
        (448, 384, 384, 384),
        (192,),
    ),
) -> Tensor:
    """Inception-v3, Figure 7: two branches end in 1x3 beside 3x1, whose channels are their last."""
    ones, threes, deep, pooled = branches
    return net.concat(
        _branch(net, x, "ones", ones, [1]),
        *_split(net, _branch(net, x, "threes", threes[:-2], [1]), "threes", threes[-2:]),
        *_split(net, _branch(net, x, "deep", deep[:-2], [1, 3]), "deep", deep[-2:]),
        _branch(net, _average(net, x), "pooled", pooled, [1]),
    )


def _branch(
    net: Tape,
    x: Tensor,
    name: str,
    channels: Sequence[int],
    kernels: Sequence[Size],
    *,
    stride: int = 1,
    norm: bool = True,
) -> Tensor:
    """Convolutions, batch norm and ReLU; only the last one strides, and then it has no padding."""
    for index, (c, kernel) in enumerate(zip(channels, kernels, strict=True), start=1):
        with net.scope(f"{name}{index}"):
            if stride > 1 and index == len(kernels):
                x = net.conv(x, c, kernel=kernel, stride=stride, padding="valid", bias=not norm)
            else:
                x = net.conv(x, c, kernel=kernel, bias=not norm)
            x = net.batch_norm(x) if norm else x
            x = net.activation(x, "relu")
    return x


def _split(net: Tape, x: Tensor, name: str, channels: Sequence[int]) -> Sequence[Tensor]:
    wide, high = channels
    return (
        _branch(net, x, f"{name}_wide", [wide], [(1, 3)]),
        _branch(net, x, f"{name}_high", [high], [(3, 1)]),
    )


def _average(net: Tape, x: Tensor) -> Tensor:
    return net.avg_pool(x, kernel=3, stride=1, padding="same")
