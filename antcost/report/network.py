"""The table of one network: a row per layer, block, stage or kind."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from antcost.cost.analysis import Level, NetCost, Row, merge
from antcost.cost.convention import CONVENTIONS, Convention
from antcost.cost.memory import (
    activation_elems,
    arithmetic_intensity,
    param_bytes,
    peak_bytes,
    traffic_bytes,
)
from antcost.graph.graph import Node
from antcost.graph.layers import AvgPool2d, Conv2d, MaxPool2d, Pair
from antcost.report.table import Cells, Column, Table, Value, choose, ranked
from antcost.units import format_bytes

COLUMNS = (
    Column("name", "name"),
    Column("operator", "operator", spare=2),
    Column("layers", "layers", "count", spare=1),
    Column("input", "input", spare=6),
    Column("output", "output", spare=3),
    Column("ksg", "k/s/g", spare=5),
    Column("params", "params", "count"),
    Column("params_share", "% params", "share", spare=4),
    *(
        column
        for convention in CONVENTIONS.values()
        for column in (
            Column(convention.name, convention.label, "count"),
            Column(f"{convention.name}_share", f"% {convention.label}", "share", spare=1),
        )
    ),
    Column("activations", "activations", "count"),
    Column("traffic", "traffic", "bytes"),
    Column("intensity", "FLOP/B", "ratio"),
)


def network_table(
    cost: NetCost,
    convention: Convention,
    *,
    by: Level = "layer",
    columns: Sequence[str] = (),
    sort: str | None = None,
    top: int | None = None,
    free: bool = False,
    inplace: bool = False,
) -> Table:
    """Rows of the network in its order, or by the column `sort`; only the first `top` of them.

    Layers and kinds that cost nothing are left out unless `free`.
    Raises AntcostError for a column that does not exist.
    """
    chosen = choose(COLUMNS, columns or _default_columns(by, convention))
    every = cost.by(by)
    keep_all = free or by in ("block", "stage")
    rows = [row for row in every if keep_all or row.params or convention.count(row.cost)]
    free_rows = len(every) - len(rows)
    whole = cost.whole
    cells = {row.name: _cells(row, whole, by) for row in rows}
    if sort is not None:
        (column,) = choose(COLUMNS, [sort])
        rows = ranked(rows, lambda row: cells[row.name][column.key])
    shown, others = rows[:top], rows[len(rows) if top is None else top :]
    lines = [cells[row.name] for row in shown]
    if others:
        lines.append(_sums(merge(f"({len(others)} others)", "", others), whole))
    totals = network_totals(cost, inplace=inplace)
    return Table(
        title=f"{cost.graph.name}, {cost.graph.input} to {cost.graph.output}",
        columns=chosen,
        rows=tuple(lines),
        total=_sums(whole, whole),
        notes=(
            f"{convention.label}: {convention.definition}.",
            *_window_note(chosen),
            f"As fp32 for one image: parameters {format_bytes(totals['param_bytes'])}, "
            f"activations at their peak {format_bytes(totals['peak_memory_bytes'])}"
            f"{' (in place)' if inplace else ''}.",
        ),
        hints=(f"Free rows not shown: {free_rows} (--all).",) if free_rows else (),
        data={
            "network": cost.graph.name,
            "convention": convention.name,
            "rows": [_row_data(row, by) for row in shown],
            "total": totals,
        },
    )


def network_totals(cost: NetCost, *, inplace: bool = False) -> dict[str, int]:
    """Every total of a network as an exact integer; bytes are for fp32 and one image."""
    return {
        "params": cost.params,
        **{
            convention.name: convention.count(cost.whole.cost)
            for convention in CONVENTIONS.values()
        },
        "param_bytes": param_bytes(cost.whole.cost),
        "activations": activation_elems(cost.graph.nodes),
        "traffic_bytes": traffic_bytes(cost.whole),
        "peak_memory_bytes": peak_bytes(cost.graph, inplace=inplace),
    }


def window(node: Node) -> str | None:
    """Kernel, stride and groups of a layer that has them: "3/2/32", "1x7/1/1"."""
    match node.layer:
        case Conv2d(kernel=kernel, stride=stride, groups=groups):
            return f"{_side(kernel)}/{_side(stride)}/{groups}"
        case MaxPool2d(kernel=kernel, stride=stride) | AvgPool2d(kernel=kernel, stride=stride):
            return f"{_side(kernel)}/{_side(stride)}/-"
        case _:
            return None


def _side(pair: Pair) -> str:
    return str(pair[0]) if pair[0] == pair[1] else "x".join(map(str, pair))


def _default_columns(by: Level, convention: Convention) -> list[str]:
    counts = ["params", "params_share", convention.name, f"{convention.name}_share"]
    match by:
        case "layer":
            return ["name", "operator", "input", "output", "ksg", *counts]
        case "block" | "stage":
            return ["name", "operator", "layers", "input", "output", *counts]
        case "kind":
            return ["name", "layers", *counts]


def _window_note(columns: Sequence[Column]) -> list[str]:
    has_window = any(column.key == "ksg" for column in columns)
    return ["k/s/g: kernel, stride, groups."] if has_window else []


def _cells(row: Row, whole: Row, by: Level) -> Cells:
    shapes = {"input": row.input, "output": row.output} if by != "kind" else {}
    return {
        **_sums(row, whole),
        "operator": row.operator,
        **shapes,
        "ksg": window(row.nodes[0]) if by == "layer" else None,
    }


def _sums(row: Row, whole: Row) -> dict[str, Value]:
    """What adds up over layers, and its share of the whole."""
    cells: dict[str, Value] = {
        "name": row.name,
        "layers": len(row.nodes),
        "params": row.params,
        "params_share": _share(row.params, whole.params),
        "activations": activation_elems(row.nodes),
        "traffic": traffic_bytes(row),
        "intensity": arithmetic_intensity(row),
    }
    for convention in CONVENTIONS.values():
        count = convention.count(row.cost)
        cells[convention.name] = count
        cells[f"{convention.name}_share"] = _share(count, convention.count(whole.cost))
    return cells


def _share(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None


def _row_data(row: Row, by: Level) -> dict[str, Any]:
    """One row for JSON, with exact integers only."""
    node = row.nodes[0]
    shapes = {"input": list(row.input.dims), "output": list(row.output.dims)}
    layer = node.layer if by == "layer" else None
    windows = (
        {"kernel": layer.kernel, "stride": layer.stride}
        if isinstance(layer, Conv2d | MaxPool2d | AvgPool2d)
        else {}
    )
    return {
        "name": row.name,
        "operator": row.operator,
        **(shapes if by != "kind" else {}),
        **windows,
        **({"groups": layer.groups} if isinstance(layer, Conv2d) else {}),
        "layers": len(row.nodes),
        "params": row.params,
        **{convention.name: convention.count(row.cost) for convention in CONVENTIONS.values()},
        "activations": activation_elems(row.nodes),
        "traffic_bytes": traffic_bytes(row),
    }
