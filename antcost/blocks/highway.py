"""The layer of highway networks (arXiv 1505.00387)."""

from antcost.blocks.fields import Size
from antcost.blocks.registry import block
from antcost.graph.layers import ActivationKind
from antcost.graph.tape import Tape, Tensor


@block("highway")
def highway(
    net: Tape, x: Tensor, *, kernel: Size = 3, activation: ActivationKind = "relu"
) -> Tensor:
    """H(x) T(x) + x (1 - T(x)): a convolution, and one more whose sigmoid is the transform gate."""
    transformed = net.conv(x, x.c, kernel=kernel, bias=True, name="transform.conv")
    transformed = net.activation(transformed, activation, name="transform.act")
    gate = net.conv(x, x.c, kernel=kernel, bias=True, name="gate.conv")
    gate = net.activation(gate, "sigmoid", name="gate.act")
    carried = net.multiply(x, net.complement(gate), name="carry")
    return net.add(net.multiply(transformed, gate), carried)
