"""The table of what sets two networks apart, layer by layer."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from antcost.cost.analysis import NetCost, Row
from antcost.cost.convention import Convention
from antcost.cost.memory import peak_bytes
from antcost.graph.layers import AvgPool2d, Conv2d, Layer, Linear, MaxPool2d
from antcost.graph.operators import operator
from antcost.graph.shape import Shape
from antcost.report.network import definitions, network_totals, side, window
from antcost.report.table import Column, Table
from antcost.units import format_bytes

Count = Callable[[Row], int]


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one layer from network A to B; its row is None where it does not exist."""

    what: str
    a: Row | None
    b: Row | None

    @property
    def name(self) -> str:
        """Name of the layer; none for the total."""
        rows = (row for row in (self.b, self.a) if row is not None and len(row.nodes) == 1)
        return next((row.name for row in rows), "")

    def counts(self, count: Count) -> tuple[int, int]:
        """A count in A and in B."""
        return (count(self.a) if self.a else 0, count(self.b) if self.b else 0)

    def step(self, count: Count) -> int:
        """What the change adds to a count."""
        before, after = self.counts(count)
        return after - before


def difference_table(
    a: NetCost, b: NetCost, convention: Convention, *, free: bool = False, inplace: bool = False
) -> Table[Change]:
    """A row for each layer that was added, removed or changed on the way from `a` to `b`.

    Changes that cost nothing are left out unless `free`.
    """
    counts: dict[str, Count] = {
        "params": lambda row: row.params,
        convention.name: lambda row: convention.count(row.cost),
    }
    every = list(_changes(a, b))
    changes = [x for x in every if free or any(map(x.step, counts.values()))]
    hidden = len(every) - len(changes)
    return Table(
        title=f"From {a.graph.name} (A) to {b.graph.name} (B)",
        columns=(
            Column("change", "change", lambda change: change.what),
            Column("name", "layer", lambda change: change.name),
            Column("before", "before", lambda change: _describe(change.a), spare=6),
            Column("after", "after", lambda change: _describe(change.b), spare=5),
            *_count_columns("params", "params", counts["params"], spare=3),
            *_count_columns(convention.name, convention.label, counts[convention.name], spare=1),
        ),
        items=changes,
        total=Change("total", a.whole, b.whole),
        notes=(
            *definitions(set(), convention),
            f"As fp32 for one image{' (in place)' if inplace else ''}: activations at their peak "
            f"{_peak(a, inplace)} in A, {_peak(b, inplace)} in B.",
        ),
        hints=(f"Changes without cost not shown: {hidden} (--all).",) if hidden else (),
        data=lambda: {
            "convention": convention.name,
            "a": a.graph.name,
            "b": b.graph.name,
            "rows": [_data(change, counts) for change in changes],
            "total": _totals(a, b, convention, inplace),
        },
    )


def _peak(cost: NetCost, inplace: bool) -> str:
    return format_bytes(peak_bytes(cost.graph, inplace=inplace))


def _count_columns(
    key: str, label: str, count: Count, spare: int
) -> tuple[Column[Change], Column[Change], Column[Change]]:
    return (
        Column(f"{key}_a", f"{label} A", lambda x: x.counts(count)[0], "count", spare + 1),
        Column(f"{key}_b", f"{label} B", lambda x: x.counts(count)[1], "count", spare),
        Column(f"{key}_difference", f"{label} B-A", lambda x: x.step(count), "difference"),
    )


def _changes(a: NetCost, b: NetCost) -> Iterator[Change]:
    """The layers that differ, in the order they run."""
    for before, after in _pairs(a, b):
        if before is None or after is None:
            yield Change("removed" if after is None else "added", before, after)
        elif _work(before) != _work(after):
            yield Change("changed", before, after)


def _pairs(a: NetCost, b: NetCost) -> Iterator[tuple[Row | None, Row | None]]:
    """The layers of two networks side by side.

    Stages are paired by name, those of other names by position. In a stage, layers are paired by
    block and name, and those of a block without a partner by what they do.
    """
    stages_a, stages_b = _stages(a), _stages(b)
    names_a, names_b = list(stages_a), list(stages_b)
    for tag, a0, a1, b0, b1 in _matches(names_a, names_b):
        if tag == "equal" or a1 - a0 == b1 - b0:
            for name_a, name_b in zip(names_a[a0:a1], names_b[b0:b1], strict=True):
                yield from _layer_pairs(stages_a[name_a], stages_b[name_b])
        else:
            yield from ((row, None) for name in names_a[a0:a1] for row in stages_a[name])
            yield from ((None, row) for name in names_b[b0:b1] for row in stages_b[name])


def _stages(cost: NetCost) -> dict[str, list[Row]]:
    stages: dict[str, list[Row]] = {}
    for row in cost.layers:
        stages.setdefault(row.nodes[0].place.stage, []).append(row)
    return stages


def _layer_pairs(a: list[Row], b: list[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    left = {_position(row): row for row in a}
    partners = {row.name: left.pop(_position(row)) for row in b if _position(row) in left}
    alike: dict[object, deque[Row]] = {}
    for row in left.values():
        alike.setdefault((_position(row)[0], _work(row)), deque()).append(row)
    for row in b:
        twins = alike.get((_position(row)[0], _work(row)))
        if row.name not in partners and twins:
            partners[row.name] = twins.popleft()
    # A layer of B goes by the name of its partner in A, so that both orders can be kept.
    keys_b = {partners[row.name].name if row.name in partners else f"+{row.name}": row for row in b}
    keys_a = {row.name: row for row in a}
    order = dict.fromkeys(
        key
        for _, a0, a1, b0, b1 in _matches(list(keys_a), list(keys_b))
        for key in (*list(keys_a)[a0:a1], *list(keys_b)[b0:b1])
    )
    return ((keys_a.get(key), keys_b.get(key)) for key in order)


def _matches(a: list[str], b: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, a, b, autojunk=False).get_opcodes()


def _position(row: Row) -> tuple[int, str]:
    """Block and name of a layer in its stage: equal in two variants of a network."""
    node = row.nodes[0]
    return node.place.index, node.name.removeprefix(node.place.name)


def _work(row: Row) -> tuple[Layer, tuple[Shape, ...]]:
    """What a layer does, wherever it stands."""
    return row.nodes[0].layer, row.nodes[0].input_shapes


def _describe(row: Row | None) -> str | None:
    """For example: depthwise conv 3/2/96, 96x56x56 to 96x28x28."""
    if row is None or len(row.nodes) > 1:
        return None
    node = row.nodes[0]
    name = " ".join(filter(None, (operator(node), window(node), *_extras(node.layer))))
    return f"{name}, {node.input_shapes[0]} to {node.shape}"


def _extras(layer: Layer) -> Iterator[str]:
    """What else a layer may be, where it is not as usual."""
    if isinstance(layer, Conv2d) and layer.bias:
        yield "biased"
    if isinstance(layer, Linear) and not layer.bias:
        yield "unbiased"
    if isinstance(layer, Conv2d) and layer.dilation != (1, 1):
        yield f"dilation {side(layer.dilation)}"
    if isinstance(layer, Conv2d | MaxPool2d | AvgPool2d) and layer.padding != "same":
        yield layer.padding if layer.padding == "valid" else f"padding {side(layer.padding)}"


def _data(change: Change, counts: Mapping[str, Count]) -> dict[str, Any]:
    """One row for JSON."""
    data: dict[str, Any] = {
        "change": change.what,
        "name": change.name,
        "before": _describe(change.a),
        "after": _describe(change.b),
    }
    for key, count in counts.items():
        data[f"{key}_a"], data[f"{key}_b"] = change.counts(count)
        data[f"{key}_difference"] = change.step(count)
    return data


def _totals(
    a: NetCost, b: NetCost, convention: Convention, inplace: bool
) -> dict[str, dict[str, int]]:
    before, after = (network_totals(cost, convention, inplace=inplace) for cost in (a, b))
    return {
        "a": before,
        "b": after,
        "difference": {key: after[key] - before[key] for key in before},
    }
