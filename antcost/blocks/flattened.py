"""The layer of flattened convolutional networks (arXiv 1412.5474)."""

from typing import Annotated

from pydantic import Field

from antcost.blocks.fields import MAX_KERNEL, ActivationField, Channels
from antcost.blocks.registry import block
from antcost.graph.tape import Tape, Tensor

MAX_SETS = 16


@block("flattened")
def flattened(
    net: Tape,
    x: Tensor,
    *,
    channels: Channels,
    kernel: Annotated[int, Field(ge=1, le=MAX_KERNEL)],
    sets: Annotated[int, Field(ge=1, le=MAX_SETS)] = 2,
    activation: ActivationField = "relu",
) -> Tensor:
    """`sets` of 1-D filters in place of a k x k convolution: over channels, vertical, horizontal.

    Each has biases; only the last is followed by an activation.
    """
    for index in range(sets):
        with net.scope(f"set{index}"):
            x = net.conv(x, channels, bias=True, name="lateral")
            x = net.conv(
                x, channels, kernel=(kernel, 1), groups=channels, bias=True, name="vertical"
            )
            x = net.conv(
                x, channels, kernel=(1, kernel), groups=channels, bias=True, name="horizontal"
            )
    return net.activation(x, activation) if activation else x
