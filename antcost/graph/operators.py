"""What a layer is called in a table, and the kind it is grouped by."""

from typing import assert_never

from antcost.graph import layers as L
from antcost.graph.graph import Node


def kind(node: Node) -> str:
    """The kind of a layer, as tables group it: "depthwise conv", "batch norm", ..."""
    layer = node.layer
    match layer:
        case L.Conv2d(groups=groups) if groups != 1 and groups == node.input_shapes[0].c:
            return "depthwise conv"
        case L.Conv2d(groups=groups) if groups != 1:
            return "grouped conv"
        case L.Conv2d(kernel=(1, 1)):
            return "pointwise conv"
        case L.Conv2d():
            return "conv"
        case L.ConvTranspose2d():
            return "transposed conv"
        case L.Linear():
            return "linear"
        case L.BatchNorm():
            return "batch norm"
        case L.Activation():
            return "activation"
        case L.MaxPool2d():
            return "max pool"
        case L.AvgPool2d():
            return "average pool"
        case L.GlobalAvgPool():
            return "global average pool"
        case L.Add():
            return "add"
        case L.Multiply():
            return "multiply"
        case L.Complement():
            return "complement"
        case L.Concat():
            return "concat"
        case L.ChannelShuffle():
            return "channel shuffle"
        case L.SelectChannels():
            return "channel selection"
        case L.Shift():
            return "shift"
        case L.SliceChannels():
            return "channel slice"
        case L.WeightedSum():
            return "weighted sum"
        case L.Flatten():
            return "flatten"
        case L.Dropout():
            return "dropout"
        case _:
            assert_never(layer)


def operator(node: Node) -> str:
    """The name of a layer in a table: its kind, or the function of an activation."""
    return node.layer.kind if isinstance(node.layer, L.Activation) else kind(node)
