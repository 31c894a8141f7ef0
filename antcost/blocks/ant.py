"""The blocks of ANTNets (arXiv 1904.03775)."""

from typing import Annotated

from pydantic import Field, Strict

from antcost.blocks.attention import Attention
from antcost.blocks.fields import Channels, Expansion, Groups, Reduction, Size
from antcost.blocks.mobile import add_residual, bottleneck
from antcost.blocks.registry import block
from antcost.graph.tape import Tape, Tensor

MAX_BRANCHES = 16


@block("ant")
def ant(
    net: Tape,
    x: Tensor,
    *,
    expansion: Expansion | None,
    channels: Channels,
    reduction: Reduction | None = None,
    stride: Size = 1,
    groups: Groups = 1,
    kernel: Size = 3,
    attention: Attention = None,
    attention_bias: bool = False,
) -> Tensor:
    """ANTBlock (Table 1): expand, depthwise, channel attention, group-wise project.

    Expands also at 1, and only not at null.
    """
    branch = bottleneck(
        net,
        x,
        expansion=expansion,
        channels=channels,
        stride=stride,
        kernel=kernel,
        groups=groups,
        reduction=reduction,
        attention=attention,
        attention_bias=attention_bias,
    )
    return add_residual(net, x, branch, stride)


@block("e_ant")
def e_ant(
    net: Tape,
    x: Tensor,
    *,
    expansion: Expansion | None,
    channels: Channels,
    groups: Annotated[
        tuple[Groups, ...], Strict(False), Field(min_length=1, max_length=MAX_BRANCHES)
    ],
    reduction: Reduction | None = None,
    stride: Size = 1,
    kernel: Size = 3,
    attention: Attention = None,
    attention_bias: bool = False,
) -> Tensor:
    """e-ANTBlock (Eq. 7 and 8): one ANTBlock branch per entry of `groups`, softmax-weighted."""
    branches = []
    for index, branch_groups in enumerate(groups):
        with net.scope(f"branch{index}"):
            branches.append(
                bottleneck(
                    net,
                    x,
                    expansion=expansion,
                    channels=channels,
                    stride=stride,
                    kernel=kernel,
                    groups=branch_groups,
                    reduction=reduction,
                    attention=attention,
                    attention_bias=attention_bias,
                )
            )
    return add_residual(net, x, net.weighted_sum(*branches), stride)
