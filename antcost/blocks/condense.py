"""The blocks of CondenseNet (arXiv 1711.09224) in their converted form, as the network is run.

Training prunes the inputs of a layer. What is left is a selection of channels, whose index training
has found, and an ordinary layer that reads them.
"""

from antcost.blocks.dense import bn_act_conv
from antcost.blocks.fields import Condensation, Expansion, Groups, Growth
from antcost.blocks.registry import block
from antcost.errors import ShapeError
from antcost.graph.shape import certain
from antcost.graph.tape import Tape, Tensor


@block("condense")
def condense(
    net: Tape,
    x: Tensor,
    *,
    growth: Growth,
    groups: Groups,
    condensation: Condensation,
    bottleneck: Expansion = 4,
) -> Tensor:
    """Dense layer: 1x1 on the selected channels, shuffle, 3x3 to `growth`; joined to its input.

    Batch norm and ReLU stand before each convolution.
    """
    hidden = _condensed(net, x, groups, condensation)
    hidden = bn_act_conv(net, hidden, bottleneck * growth, groups=groups, name="squeeze")
    hidden = net.channel_shuffle(hidden, groups)
    grown = bn_act_conv(net, hidden, growth, kernel=3, groups=groups, name="grow")
    return net.concat(x, grown)


@block("select")
def select(net: Tape, x: Tensor, *, condensation: Condensation) -> Tensor:
    """One in `condensation` channels, as before the classifier."""
    return _condensed(net, x, 1, condensation)


def _condensed(net: Tape, x: Tensor, groups: int, condensation: int) -> Tensor:
    """Return the channels that are left to `groups` groups, of which each reads c /
    condensation.
    """
    if certain(x.c % condensation > 0):
        raise ShapeError(
            f"condensation={condensation} does not divide {x.c} channels", "condensation"
        )
    return net.select_channels(x, x.c // condensation * groups)
