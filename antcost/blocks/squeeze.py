"""The block of SqueezeNext (arXiv 1803.10615)."""

from antcost.blocks.fields import Channels, Size
from antcost.blocks.registry import block
from antcost.errors import ShapeError
from antcost.graph.shape import certain
from antcost.graph.tape import Tape, Tensor


@block("squeezenext")
def squeezenext(net: Tape, x: Tensor, *, channels: Channels, stride: Size = 1) -> Tensor:
    """Two 1x1 convolutions down to C/4, 3x1 and 1x3 at C/2, 1x1 up to C, beside a shortcut.

    Every second block of a stage has 1x3 before 3x1. The shortcut is a convolution where the
    shape changes.
    """
    if certain(channels % 4 > 0):
        raise ShapeError(f"expected a multiple of 4, got {channels}", "channels")
    kernels = [(3, 1), (1, 3)] if net.index % 2 == 0 else [(1, 3), (3, 1)]
    half = channels // 2
    branch = net.conv_bn_act(x, half, stride=stride, activation="relu", name="reduce1")
    branch = net.conv_bn_act(branch, half // 2, activation="relu", name="reduce2")
    for kernel in kernels:
        name = "conv{}x{}".format(*kernel)
        branch = net.conv_bn_act(branch, half, kernel=kernel, activation="relu", name=name)
    branch = net.conv_bn_act(branch, channels, activation="relu", name="expand")
    if x.shape != branch.shape:
        x = net.conv_bn_act(x, channels, stride=stride, activation="relu", name="shortcut")
    return net.activation(net.add(x, branch), "relu")
