"""What a layer is called in a table, and the kind it is grouped by."""

from typing import assert_never

from antcost.graph.graph import Node
from antcost.graph.layers import (
    Activation,
    Add,
    AvgPool2d,
    BatchNorm,
    ChannelShuffle,
    Complement,
    Concat,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool2d,
    Multiply,
    SelectChannels,
    Shift,
    SliceChannels,
    WeightedSum,
)


def kind(node: Node) -> str:
    """The kind of a layer, as tables group it: "depthwise conv", "batch norm", ..."""
    layer = node.layer
    match layer:
        case Conv2d(groups=groups) if groups != 1 and groups == node.input_shapes[0].c:
            return "depthwise conv"
        case Conv2d(groups=groups) if groups != 1:
            return "grouped conv"
        case Conv2d(kernel=(1, 1)):
            return "pointwise conv"
        case Conv2d():
            return "conv"
        case ConvTranspose2d():
            return "transposed conv"
        case Linear():
            return "linear"
        case BatchNorm():
            return "batch norm"
        case Activation():
            return "activation"
        case MaxPool2d():
            return "max pool"
        case AvgPool2d():
            return "average pool"
        case GlobalAvgPool():
            return "global average pool"
        case Add():
            return "add"
        case Multiply():
            return "multiply"
        case Complement():
            return "complement"
        case Concat():
            return "concat"
        case ChannelShuffle():
            return "channel shuffle"
        case SelectChannels():
            return "channel selection"
        case Shift():
            return "shift"
        case SliceChannels():
            return "channel slice"
        case WeightedSum():
            return "weighted sum"
        case Flatten():
            return "flatten"
        case Dropout():
            return "dropout"
        case _:
            assert_never(layer)


def operator(node: Node) -> str:
    """The name of a layer in a table: its kind, or the function of an activation."""
    return node.layer.kind if isinstance(node.layer, Activation) else kind(node)
