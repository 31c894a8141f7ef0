"""The cost of a graph, by layer, block, stage or kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, assert_never

from antcost.cost.convention import flops, madds
from antcost.cost.counts import Cost, total
from antcost.cost.folding import folded_norms
from antcost.cost.formulas import cost
from antcost.graph.graph import Graph, Node
from antcost.graph.operators import kind, operator
from antcost.graph.shape import Shape

if TYPE_CHECKING:
    import pandas as pd

Level = Literal["layer", "block", "stage", "kind"]


@dataclass(frozen=True, slots=True)
class Row:
    """A layer, or all layers of one block, stage or kind, and what they cost together."""

    name: str
    operator: str
    nodes: tuple[Node, ...]
    cost: Cost

    @property
    def input(self) -> Shape:
        return self.nodes[0].input_shapes[0]

    @property
    def output(self) -> Shape:
        return self.nodes[-1].shape

    @property
    def params(self) -> int:
        return self.cost.params

    @property
    def madds(self) -> int:
        return madds(self.cost)

    @property
    def flops(self) -> int:
        return flops(self.cost)


@dataclass(frozen=True, slots=True)
class NetCost:
    """A graph with the cost of each of its layers. All counts are exact integers for one image."""

    graph: Graph
    layers: tuple[Row, ...]
    whole: Row

    @property
    def params(self) -> int:
        """Learnable scalars."""
        return self.whole.params

    @property
    def madds(self) -> int:
        """Multiply-adds of convolutions and linear layers."""
        return self.whole.madds

    @property
    def flops(self) -> int:
        """Two operations per multiply-add."""
        return self.whole.flops

    @property
    def auxiliary(self) -> Row:
        """Return what the auxiliary heads cost, if the graph is that of training."""
        return merge("auxiliary", "", [row for row in self.layers if row.nodes[0].origin.training])

    def by(self, level: Level) -> tuple[Row, ...]:
        """Return rows in the order of the network; those of one block, stage or kind are summed."""
        groups: dict[tuple[str, str], list[Row]] = {}
        for row in self.layers:
            groups.setdefault(group_of(row.nodes[0], level), []).append(row)
        return tuple(merge(*names, rows) for names, rows in groups.items())

    def to_frame(self, by: Level = "layer") -> pd.DataFrame:
        """Return the rows as a pandas data frame, with every count as an exact integer."""
        import pandas as pd

        return pd.DataFrame(
            {
                "name": row.name,
                "operator": row.operator,
                **({"input": str(row.input), "output": str(row.output)} if by != "kind" else {}),
                **asdict(row.cost),
                "params": row.params,
                "madds": row.madds,
            }
            for row in self.by(by)
        )

    def _repr_html_(self) -> str:
        """Return the stages as a table, for notebooks."""
        from tabulate import tabulate

        rows = [
            (row.name, row.operator, row.input, row.output, f"{row.params:,}", f"{row.madds:,}")
            for row in (*self.by("stage"), self.whole)
        ]
        headers = (self.graph.name, "block", "input", "output", "params", "MAdds")
        table: str = tabulate(rows, headers, tablefmt="html", disable_numparse=True)
        return table


def group_of(node: Node, level: Level) -> tuple[str, str]:
    """Return the name and the operator of the row that a layer belongs to."""
    match level:
        case "layer":
            return node.name, operator(node)
        case "block":
            return node.origin.name, node.origin.block
        case "stage":
            return node.origin.stage, node.origin.block
        case "kind":
            return kind(node), kind(node)
        case _:
            assert_never(level)


def merge(name: str, operator_name: str, rows: Sequence[Row]) -> Row:
    """Merge several rows into one."""
    nodes = tuple(node for row in rows for node in row.nodes)
    return Row(name, operator_name, nodes, total(row.cost for row in rows))


def analyze_graph(graph: Graph) -> NetCost:
    """Return the cost of every layer of a graph and of the whole."""
    folded = folded_norms(graph)
    layers = tuple(
        Row(node.name, operator(node), (node,), cost(node, folded.get(node.name, 0)))
        for node in graph.nodes
    )
    return NetCost(graph, layers, merge("total", "", layers))
