"""The one intermediate form: an ordered tuple of nodes, made by blocks, read by all the rest."""

from dataclasses import dataclass

from antcost.graph import layers as L
from antcost.graph.shape import Shape

INPUT = "input"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where in the spec a layer comes from: its stage, and the block of that stage.

    `training` if it belongs to an auxiliary head, which is left out at inference.
    """

    stage: str
    index: int
    block: str
    name: str
    training: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """One layer in its origin: what it reads, by name, and what it makes."""

    name: str
    layer: L.Layer
    inputs: tuple[str, ...]
    input_shapes: tuple[Shape, ...]
    shape: Shape
    origin: Origin


@dataclass(frozen=True, slots=True)
class Graph:
    """A network as the order its layers run in."""

    name: str
    input: Shape
    nodes: tuple[Node, ...]
    output_name: str

    @property
    def output(self) -> Shape:
        """Shape of the network's output."""
        return next(node.shape for node in self.nodes if node.name == self.output_name)
