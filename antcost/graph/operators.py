"""What a layer is called in a table, and the kind it is grouped by."""

from antcost.graph import layers as L
from antcost.graph.graph import Node


def kind(node: Node) -> str:
    """Return the kind of a layer, as tables group it: "depthwise conv", "batch norm", ..."""
    match node.layer:
        case L.Conv2d(groups=groups) if groups != 1 and groups == node.input_shapes[0].c:
            return "depthwise conv"
        case L.Conv2d(groups=groups) if groups != 1:
            return "grouped conv"
        case L.Conv2d(kernel=(1, 1)):
            return "pointwise conv"
        case layer:
            return layer.kind


def operator(node: Node) -> str:
    """Return the name of a layer in a table: its kind, or the function of an activation."""
    return node.layer.function if isinstance(node.layer, L.Activation) else kind(node)
