"""What the nodes of an ONNX model are called, and which layers they belong to."""

from typing import TYPE_CHECKING

from antcost.graph.graph import Graph

if TYPE_CHECKING:
    from onnx import ModelProto


def layers_by_name(graph: Graph, model: "ModelProto") -> dict[str, str]:
    """Return the layer of each node, by the node's name and by those of what it makes.

    Runtimes use both, which differ for the last node: it makes "output".
    """
    from antcost.backends.onnx_model import PART

    layers = {node.name for node in graph.nodes}
    owned = {
        str(name): str(node.name).split(PART)[0]
        for node in model.graph.node
        for name in (node.name, *node.output)
    }
    return {name: layer for name, layer in owned.items() if layer in layers}
