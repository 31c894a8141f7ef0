"""The blocks of DenseNet (arXiv 1608.06993)."""

from antcost.blocks.fields import Contraction, Expansion, Growth
from antcost.blocks.registry import block
from antcost.errors import ShapeError
from antcost.graph.shape import certain
from antcost.graph.tape import Tape, Tensor


@block("dense")
def dense(net: Tape, x: Tensor, *, growth: Growth, bottleneck: Expansion = 4) -> Tensor:
    """Dense layer: 1x1 to `bottleneck` times `growth`, 3x3 to `growth`; joined to its input.

    Batch norm and ReLU stand before each convolution.
    """
    hidden = bn_act_conv(net, x, bottleneck * growth, name="squeeze")
    return net.concat(x, bn_act_conv(net, hidden, growth, kernel=3, name="grow"))


@block("transition")
def transition(net: Tape, x: Tensor, *, contraction: Contraction = 2) -> Tensor:
    """Batch norm, ReLU, 1x1 to one in `contraction` channels, average pool 2x2.

    The number of channels is rounded down.
    """
    if certain(contraction > x.c):
        raise ShapeError(f"contraction={contraction} leaves none of {x.c} channels", "contraction")
    x = bn_act_conv(net, x, x.c // contraction, name="compress")
    return net.avg_pool(x, kernel=2, stride=2, padding="valid")


def bn_act_conv(
    net: Tape, x: Tensor, channels: int, *, name: str, kernel: int = 1, groups: int = 1
) -> Tensor:
    """Batch norm `name.bn`, ReLU `name.act` and convolution `name.conv`."""
    x = net.batch_norm(x, name=f"{name}.bn")
    x = net.activation(x, "relu", name=f"{name}.act")
    return net.conv(x, channels, kernel=kernel, groups=groups, name=f"{name}.conv")
