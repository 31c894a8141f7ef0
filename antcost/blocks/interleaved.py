"""Two grouped convolutions whose groups cross, so that every output depends on every input."""

from antcost.blocks.fields import Channels, GroupPair, Size
from antcost.blocks.registry import block
from antcost.graph.tape import Tape, Tensor


@block("igc")
def igc(net: Tape, x: Tensor, *, channels: Channels, groups: GroupPair, stride: Size = 1) -> Tensor:
    """Interleaved group convolutions (IGCNet, arXiv 1707.02725): L primary, M secondary partitions.

    3x3 in L groups, 1x1 in M groups, each followed by a permutation; `groups` are [L, M].
    """
    primary, secondary = groups
    out = net.conv(x, channels, kernel=3, stride=stride, groups=primary, name="primary")
    out = net.channel_shuffle(out, primary, name="permute")
    out = net.conv(out, channels, groups=secondary, name="secondary")
    out = net.channel_shuffle(out, secondary, name="permute_back")
    return net.activation(net.batch_norm(out), "relu")


@block("clc")
def clc(net: Tape, x: Tensor, *, channels: Channels, groups: GroupPair, stride: Size = 1) -> Tensor:
    """Channel local convolutions (clcNet, arXiv 1712.06145): g_1 interlaced groups, then g_2.

    3x3 that keeps the channels, interlaced, and 1x1; `groups` are [g_1, g_2].
    """
    interlaced, grouped = groups
    out = net.conv_bn(x, x.c, kernel=3, stride=stride, groups=interlaced, name="interlaced")
    out = net.channel_shuffle(out, interlaced, name="interlace")
    return net.conv_bn_act(out, channels, groups=grouped, activation="relu", name="grouped")
