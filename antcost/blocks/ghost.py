"""The bottleneck of GhostNet (arXiv 1911.11907)."""

from antcost.blocks.attention import squeeze_excite
from antcost.blocks.fields import Channels, Size, Width
from antcost.blocks.registry import block
from antcost.errors import ShapeError
from antcost.graph.shape import certain
from antcost.graph.tape import Tape, Tensor


@block("ghost")
def ghost(
    net: Tape,
    x: Tensor,
    *,
    hidden: Width,
    channels: Channels,
    kernel: Size = 3,
    stride: Size = 1,
    squeeze: Width | None = None,
) -> Tensor:
    """Ghost module to `hidden`, depthwise where it strides, attention, Ghost module; a shortcut.

    The shortcut is depthwise and 1x1 where the shape changes. Without attention if `squeeze` is
    null.
    """
    strides = stride not in (1, (1, 1))
    branch = _ghost_module(net, x, hidden, "expand", activates=True)
    if strides:
        branch = _depthwise(net, branch, kernel, stride, "depthwise")
    if squeeze is not None:
        branch = squeeze_excite(net, branch, squeeze, bias=True, gate="hardsigmoid")
    branch = _ghost_module(net, branch, channels, "project", activates=False)
    if strides or x.c != channels:
        x = _depthwise(net, x, kernel, stride, "shortcut.depthwise")
        x = net.conv_bn(x, channels, name="shortcut.pointwise")
    return net.add(x, branch)


def _ghost_module(net: Tape, x: Tensor, channels: int, name: str, *, activates: bool) -> Tensor:
    """1x1 to half of the channels; the other half is a depthwise 3x3 on these."""
    if certain(channels % 2 > 0):
        raise ShapeError(f"a Ghost module needs an even number of channels, not {channels}")
    half = channels // 2
    with net.scope(name):
        primary = net.conv_bn(x, half, name="primary")
        primary = net.activation(primary, "relu", name="primary.act") if activates else primary
        cheap = net.conv_bn(primary, channels - half, kernel=3, groups=half, name="cheap")
        cheap = net.activation(cheap, "relu", name="cheap.act") if activates else cheap
        return net.concat(primary, cheap)


def _depthwise(net: Tape, x: Tensor, kernel: Size, stride: Size, name: str) -> Tensor:
    return net.conv_bn(x, x.c, kernel=kernel, stride=stride, groups=x.c, name=name)
