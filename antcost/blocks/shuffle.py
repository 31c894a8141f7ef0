"""The units of ShuffleNet (arXiv 1707.01083) and ShuffleNetV2 (arXiv 1807.11164)."""

from antcost.blocks.fields import Channels, Groups, Size
from antcost.blocks.registry import block
from antcost.errors import ShapeError
from antcost.graph.shape import certain
from antcost.graph.tape import Tape, Tensor


@block("shuffle")
def shuffle(
    net: Tape,
    x: Tensor,
    *,
    channels: Channels,
    groups: Groups,
    stride: Size = 1,
    first_groups: Groups | None = None,
) -> Tensor:
    """1x1 to C/4 in groups, shuffle, depthwise 3x3, 1x1 in groups, beside a shortcut.

    A unit that strides joins its branch to its average-pooled input, any other adds them.
    `first_groups` are those of the first 1x1 convolution where it strides.
    """
    if certain(channels % 4 > 0):
        raise ShapeError(f"expected a multiple of 4, got {channels}", "channels")
    joins = stride not in (1, (1, 1))
    if joins and certain(channels <= x.c):
        raise ShapeError(f"expected more than the {x.c} of the input, got {channels}", "channels")
    if not joins and channels != x.c:
        raise ShapeError(
            f"expected the {x.c} of the input, or stride: 2 to join more to them, got {channels}",
            "channels",
        )
    outer = first_groups if first_groups and joins else groups
    hidden = channels // 4
    branch = net.conv_bn_act(x, hidden, groups=outer, activation="relu", name="reduce")
    branch = branch if groups == 1 else net.channel_shuffle(branch, groups)
    branch = net.conv_bn(branch, hidden, kernel=3, stride=stride, groups=hidden, name="depthwise")
    grown = channels - x.c if joins else channels
    branch = net.conv_bn(branch, grown, groups=groups, name="expand")
    if not joins:
        return net.activation(net.add(x, branch), "relu")
    pooled = net.avg_pool(x, kernel=3, stride=stride, padding=1)
    return net.concat(pooled, net.activation(branch, "relu"))


@block("shuffle_v2")
def shuffle_v2(net: Tape, x: Tensor, *, channels: Channels, stride: Size = 1) -> Tensor:
    """1x1, depthwise 3x3 and 1x1 on half of the channels, joined to the other half, shuffle.

    ShuffleNetV2, Figure 3 (c) and (d): a unit that strides reads its whole input in both halves,
    and the other one passes a depthwise 3x3 and a 1x1.
    """
    if certain(channels % 2 > 0):
        raise ShapeError(f"expected an even number, got {channels}", "channels")
    half = channels // 2
    rest = channels - half
    if stride in (1, (1, 1)):
        if x.c != channels:
            raise ShapeError(f"expected the {x.c} of the input, got {channels}", "channels")
        kept = net.slice_channels(x, 0, rest, name="keep")
        branch = net.slice_channels(x, rest, half, name="split")
    else:
        kept, branch = _depthwise_pointwise(net, x, rest, stride, "shortcut"), x
    branch = net.conv_bn_act(branch, half, activation="relu", name="reduce")
    branch = _depthwise_pointwise(net, branch, half, stride, "branch")
    return net.channel_shuffle(net.concat(kept, branch), 2)


def _depthwise_pointwise(net: Tape, x: Tensor, channels: int, stride: Size, name: str) -> Tensor:
    """Depthwise 3x3 without an activation and 1x1 with one."""
    with net.scope(name):
        x = net.conv_bn(x, x.c, kernel=3, stride=stride, groups=x.c, name="depthwise")
        return net.conv_bn_act(x, channels, activation="relu", name="pointwise")
