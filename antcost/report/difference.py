"""The table of what sets two networks apart, layer by layer."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from antcost.cost.analysis import NetCost, Row
from antcost.cost.convention import Convention
from antcost.graph.graph import Node
from antcost.graph.operators import operator
from antcost.report.network import network_totals, window
from antcost.report.table import Cells, Column, Table


def difference_table(
    a: NetCost, b: NetCost, convention: Convention, *, free: bool = False, inplace: bool = False
) -> Table:
    """A row for each layer that was added, removed or changed on the way from `a` to `b`.

    A layer is the same in both if its stage, block and name are. Changes that cost nothing are left
    out unless `free`.
    """
    every = [_cells(*pair, convention) for pair in _align(a, b) if _change(*pair)]
    rows = [cells for cells in every if free or cells["params"] or cells["count"]]
    hidden = len(every) - len(rows)
    totals = {side: network_totals(cost, inplace=inplace) for side, cost in (("a", a), ("b", b))}
    totals["difference"] = {key: totals["b"][key] - totals["a"][key] for key in totals["a"]}
    return Table(
        title=f"From {a.graph.name} to {b.graph.name}",
        columns=_columns(convention),
        rows=tuple(rows),
        total={"change": "total", **_counts(a.whole, b.whole, convention)},
        notes=(f"{convention.label}: {convention.definition}.",),
        hints=(f"Changes without cost not shown: {hidden} (--all).",) if hidden else (),
        data={
            "convention": convention.name,
            "a": a.graph.name,
            "b": b.graph.name,
            "rows": [_data(cells, convention) for cells in rows],
            "total": totals,
        },
    )


def _columns(convention: Convention) -> tuple[Column, ...]:
    label = convention.label
    return (
        Column("change", "change"),
        Column("name", "layer"),
        Column("before", "before", spare=6),
        Column("after", "after", spare=5),
        Column("params_a", "params A", "count", spare=4),
        Column("params_b", "params B", "count", spare=3),
        Column("params", "params B-A", "difference"),
        Column("count_a", f"{label} A", "count", spare=2),
        Column("count_b", f"{label} B", "count", spare=1),
        Column("count", f"{label} B-A", "difference"),
    )


def _align(a: NetCost, b: NetCost) -> Iterator[tuple[Row | None, Row | None]]:
    """The layers of both networks side by side, in the order they run."""
    rows_a = {row.nodes[0].key: row for row in a.layers}
    rows_b = {row.nodes[0].key: row for row in b.layers}
    keys_a, keys_b = list(rows_a), list(rows_b)
    blocks = SequenceMatcher(None, keys_a, keys_b, autojunk=False).get_opcodes()
    order = dict.fromkeys(
        key for _, a0, a1, b0, b1 in blocks for key in (*keys_a[a0:a1], *keys_b[b0:b1])
    )
    return ((rows_a.get(key), rows_b.get(key)) for key in order)


def _change(a: Row | None, b: Row | None) -> str | None:
    """What happened to a layer, or None if nothing did."""
    if a is None or b is None:
        return "added" if a is None else "removed"
    before, after = a.nodes[0], b.nodes[0]
    same = (before.layer, before.input_shapes) == (after.layer, after.input_shapes)
    return None if same else "changed"


def _cells(a: Row | None, b: Row | None, convention: Convention) -> Cells:
    row = b or a
    assert row is not None
    return {
        "change": _change(a, b),
        "name": row.name,
        "before": _describe(a.nodes[0]) if a else None,
        "after": _describe(b.nodes[0]) if b else None,
        **_counts(a, b, convention),
    }


def _describe(node: Node) -> str:
    """For example: depthwise conv 3/2/96, 96x56x56 to 96x28x28."""
    name = " ".join(filter(None, (operator(node), window(node))))
    return f"{name}, {node.input_shapes[0]} to {node.shape}"


def _counts(a: Row | None, b: Row | None, convention: Convention) -> dict[str, int]:
    params_a, params_b = (row.params if row else 0 for row in (a, b))
    count_a, count_b = (convention.count(row.cost) if row else 0 for row in (a, b))
    return {
        "params_a": params_a,
        "params_b": params_b,
        "params": params_b - params_a,
        "count_a": count_a,
        "count_b": count_b,
        "count": count_b - count_a,
    }


def _data(cells: Cells, convention: Convention) -> dict[str, Any]:
    """One row for JSON, the counts under the name of their convention."""
    return {key.replace("count", convention.name): value for key, value in cells.items()}
