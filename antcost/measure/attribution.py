"""Which layer ran which others: the times of an engine's profiler beside what the layers cost."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from statistics import median

from antcost.cost.analysis import NetCost, Row
from antcost.cost.memory import BYTES
from antcost.errors import AntcostError
from antcost.graph.graph import Graph, Node
from antcost.measure.engines import LayerTimes, Settings
from antcost.units import PS_PER_NS

LayerNs = tuple[str | None, int]
"""A layer that ran, or None for what an engine runs between layers, and its nanoseconds."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A layer that ran, followed by those that the engine merged into it, and what it took.

    Multiply-adds and bytes are for the whole batch. Traffic is what is read from other kernels,
    parameters, and what others read; tensors inside a kernel do not move.
    """

    nodes: tuple[Node, ...]
    time_ps: int
    madds: int
    traffic_bytes: int

    @property
    def flops(self) -> int:
        return 2 * self.madds


def kernels(cost: NetCost, times: LayerTimes, settings: Settings) -> tuple[Kernel, ...]:
    """Return the kernels in the order that the network has their first layers in."""
    owner = owners(cost.graph, times.layers_ns.keys())
    moved = _moved(cost.graph, owner)
    groups: dict[str, list[Row]] = {name: [] for name in owner.values()}
    for row in cost.layers:
        if row.name in owner:
            groups[owner[row.name]].append(row)
    found = []
    for name, rows in groups.items():
        rows.sort(key=lambda row: row.name != name)
        found.append(_kernel(rows, moved, median_ps(times.layers_ns[name]), settings))
    return tuple(found)


def layer_times(whole_ns: Iterable[int], runs: Iterable[Iterable[LayerNs]]) -> LayerTimes:
    """Return the times of some runs; a layer that one of them does not have took nothing there."""
    each = [sum_by_layer(run) for run in runs]
    names = dict.fromkeys(name for times in each for name in times)
    return LayerTimes(
        tuple(whole_ns), {name: tuple(times.get(name, 0) for times in each) for name in names}
    )


def sum_by_layer(run: Iterable[LayerNs]) -> dict[str, int]:
    """Return the nanoseconds of each layer in one run.

    What runs between layers, to change the order of a tensor's elements in memory, is part of the
    next layer, or of the last one if none follows.
    """
    times: dict[str, int] = {}
    last, waiting = "", 0
    for layer, ns in run:
        waiting += ns
        if layer is not None:
            times[layer] = times.get(layer, 0) + waiting
            last, waiting = layer, 0
    return times | {last: times[last] + waiting}


def median_ps(times_ns: Iterable[int]) -> int:
    """Return the median as picoseconds, in which half a nanosecond is whole."""
    return int(Fraction(median(times_ns)) * PS_PER_NS)


def owners(graph: Graph, ran: Set[str]) -> dict[str, str]:
    """Return for each layer the one that ran it: itself, or else that of its inputs which ran last.

    Layers before the first one that ran belong to that. Raises AntcostError if none ran.
    """
    order = {node.name: number for number, node in enumerate(graph.nodes)}
    last = max(ran & order.keys(), key=order.__getitem__, default=None)
    if last is None:
        raise AntcostError(
            f"{graph.name}: the engine does not report layer times: its profiler names no layer"
        )
    found: dict[str, str] = {}
    waiting: list[str] = []
    for node in graph.nodes:
        makers = [found[name] for name in node.inputs if name in found]
        if node.name in ran:
            found |= dict.fromkeys([*waiting, node.name], node.name)
            waiting.clear()
        elif makers:
            found[node.name] = max(makers, key=order.__getitem__)
        elif not node.origin.training:
            waiting.append(node.name)
    return found | dict.fromkeys(waiting, last)


def _moved(graph: Graph, owner: Mapping[str, str]) -> set[str]:
    """Return the tensors that another kernel reads than the one that makes them, or nobody does."""
    return {graph.output_name} | {
        name
        for node in graph.nodes
        if node.name in owner
        for name in node.inputs
        if owner.get(name) != owner[node.name]
    }


def _kernel(rows: Sequence[Row], moved: Set[str], time_ps: int, settings: Settings) -> Kernel:
    """Return the kernel of these layers, the one that ran first."""
    nodes = tuple(row.nodes[0] for row in rows)
    made = {node.name: node.shape.numel for node in nodes}
    read = {
        name: shape.numel
        for node in nodes
        for name, shape in zip(node.inputs, node.input_shapes, strict=True)
        if name not in made
    }
    written = sum(elems for name, elems in made.items() if name in moved)
    params = rows[0].params + sum(row.params - row.cost.norm_params_folded for row in rows[1:])
    elems = (sum(read.values()) + written) * settings.batch + params
    madds = sum(row.madds for row in rows) * settings.batch
    return Kernel(nodes, time_ps, madds, elems * BYTES[settings.dtype])
