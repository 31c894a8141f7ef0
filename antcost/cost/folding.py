"""Batch norm that becomes part of the layer before it, as deployed networks have it."""

from collections import Counter

from antcost.graph import layers as L
from antcost.graph.graph import Graph


def folded_norms(graph: Graph) -> dict[str, int]:
    """Return for each batch norm that can be folded, by name, the parameters that disappear.

    It scales the weights of the convolution or linear layer whose output nobody else reads, and
    its shift becomes their bias: where there was none, one of its two parameters a channel stays.
    """
    made_by = {node.name: node.layer for node in graph.nodes}
    readers = Counter(name for node in graph.nodes for name in node.inputs)
    lost = {}
    for node in graph.nodes:
        source = made_by.get(node.inputs[0])
        if (
            isinstance(node.layer, L.BatchNorm)
            and isinstance(source, L.Conv2d | L.ConvTranspose2d | L.Linear)
            and readers[node.inputs[0]] == 1
        ):
            lost[node.name] = (2 if source.bias else 1) * node.shape.c
    return lost
