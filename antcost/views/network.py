"""The table of one network: a row per layer, block, stage or kind."""

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, assert_never

from antcost.cost.analysis import Level, NetCost, Row, merge
from antcost.cost.convention import CONVENTIONS, Convention, shown_with
from antcost.cost.device import Device, Prediction
from antcost.cost.memory import (
    activation_elems,
    arithmetic_intensity,
    param_bytes,
    peak_bytes,
    traffic_bytes,
)
from antcost.errors import AntcostError
from antcost.graph import layers as L
from antcost.graph.graph import Graph, Node
from antcost.tables.table import Column, Table, Value, choose, ranked
from antcost.units import format_bytes, format_exact
from antcost.views.predictions import prediction_data, prediction_notes


@dataclass(frozen=True, slots=True)
class NetworkRow:
    """One row of the table beside the whole network; `shaped` if its input and output say much.

    Only the total has peak memory, which does not add up: it knows its `graph`.
    """

    row: Row
    whole: Row
    shaped: bool = False
    prediction: Prediction | None = None
    graph: Graph | None = None
    inplace: bool = False

    @property
    def latency_ps(self) -> int | None:
        return self.prediction.of(self.row) if self.prediction else None

    @property
    def peak_bytes(self) -> int | None:
        return peak_bytes(self.graph, inplace=self.inplace) if self.graph else None


def total_row(
    cost: NetCost, *, inplace: bool = False, prediction: Prediction | None = None
) -> NetworkRow:
    """Return the row of a whole network."""
    return NetworkRow(cost.whole, cost.whole, False, prediction, cost.graph, inplace)


def _share_column(
    key: str, label: str, count: Callable[[NetworkRow], int], spare: int
) -> Column[NetworkRow]:
    def share(line: NetworkRow) -> Fraction | None:
        whole = count(replace(line, row=line.whole))
        return Fraction(count(line), whole) if whole else None

    return Column(f"{key}_share", f"% {label}", share, "share", spare)


def _count_column(convention: Convention) -> Column[NetworkRow]:
    return Column(convention.name, convention.label, _counter(convention), "count")


def _counter(convention: Convention) -> Callable[[NetworkRow], int]:
    return lambda line: convention.count(line.row.cost)


def _params_column(convention: Convention) -> Column[NetworkRow]:
    count, label = convention.count_params, params_label(convention)
    return Column(convention.params_key, label, lambda line: count(line.row.cost), "count")


def own_params(convention: Convention) -> bool:
    """Return whether the convention counts parameters in a way of its own, too."""
    return convention.params_key != "params"


def params_label(convention: Convention) -> str:
    """Return the header of parameters: "params", or "params (thop)" for a way of its own."""
    return f"params ({convention.name})" if own_params(convention) else "params"


COST_COLUMNS: tuple[Column[NetworkRow], ...] = (
    Column("params", "params", lambda line: line.row.params, "count", spare=1),
    *map(_count_column, CONVENTIONS.values()),
    *(_params_column(convention) for convention in CONVENTIONS.values() if own_params(convention)),
    Column("activations", "activations", lambda line: activation_elems(line.row.nodes), "count"),
    Column("traffic", "traffic", lambda line: traffic_bytes(line.row), "bytes"),
    Column("intensity", "FLOP/B", lambda line: arithmetic_intensity(line.row), "ratio"),
    Column("param_memory", "param. memory", lambda line: param_bytes(line.row.cost), "bytes"),
    Column("peak_memory", "peak memory", lambda line: line.peak_bytes, "bytes", spare=1),
)
"""What a network costs; tables of several networks have these columns, too."""

COLUMNS: tuple[Column[NetworkRow], ...] = (
    Column("name", "name", lambda line: line.row.name),
    Column("operator", "operator", lambda line: line.row.operator, spare=4),
    Column("layers", "layers", lambda line: len(line.row.nodes), "count", spare=3),
    Column("input", "input", lambda line: line.row.input if line.shaped else None, spare=8),
    Column("output", "output", lambda line: line.row.output if line.shaped else None, spare=5),
    Column("ksg", "k/s/g", lambda line: _row_window(line.row), spare=7),
    *COST_COLUMNS,
    _share_column("params", "params", lambda line: line.row.params, 6),
    *(_share_column(each.name, each.label, _counter(each), 2) for each in CONVENTIONS.values()),
    Column("latency", "latency", lambda line: line.latency_ps, "time"),
    _share_column("latency", "latency", lambda line: line.latency_ps or 0, 2),
)
LATENCY_KEYS = ("latency", "latency_share")
SHAPE_KEYS = ("name", "operator", "layers", "input", "output")


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
    device: Device | None = None,
) -> Table[NetworkRow]:
    """Return the rows in their order, or by the column `sort`; only the first `top` of them.

    Layers that cost nothing in any shown column are left out unless `free`; JSON always has them.
    Raises AntcostError for a column that does not exist, or latency without a device.
    """
    prediction = device.predict(cost) if device else None
    latency = LATENCY_KEYS if device else ()
    chosen = choose(COLUMNS, columns or [*_default_columns(by, convention), *latency])
    every = [NetworkRow(row, cost.whole, by != "kind", prediction) for row in cost.by(by)]
    order = choose(COLUMNS, [sort]) if sort is not None else ()
    if device is None and any(column.key in LATENCY_KEYS for column in (*chosen, *order)):
        raise AntcostError("the column latency needs a device to predict it for: --device FILE")
    keep_all = free or by != "layer"
    lines = [line for line in every if keep_all or not _is_free(line, (*chosen, *order))]
    hidden = len(every) - len(lines)
    for column in order:
        lines, every = ranked(lines, column), ranked(every, column)
    peak = peak_bytes(cost.graph, inplace=inplace)
    data_keys = (*SHAPE_KEYS, *_total_keys(convention), "latency")
    return Table(
        title=f"{cost.graph.name}, {cost.graph.input} to {cost.graph.output}",
        columns=chosen,
        items=_cut(lines, top),
        total=total_row(cost, inplace=inplace, prediction=prediction),
        notes=(
            *definitions({column.key for column in chosen}, convention),
            *(["k/s/g: kernel, stride, groups."] if any(c.key == "ksg" for c in chosen) else []),
            f"As fp32 for one image: parameters {format_bytes(param_bytes(cost.whole.cost))}, "
            f"activations at their peak {format_bytes(peak)}"
            f"{' (in place)' if inplace else ''}.",
            *(prediction_notes({cost.graph.name: prediction}) if prediction else []),
            *training_notes([cost], convention),
        ),
        hints=(f"Free rows not shown: {hidden} (--all).",) if hidden else (),
        facts={
            "network": cost.graph.name,
            "convention": convention.name,
            **({"prediction": prediction_data(prediction)} if prediction else {}),
        },
        more={
            **{name: _window_field(name) for name in ("kernel", "stride", "groups")},
            **{column.key: column.value for column in choose(COLUMNS, data_keys)},
        },
        every=_cut(every, top),
    )


def definitions(keys: Set[str], convention: Convention) -> list[str]:
    """Say what the shown columns count, or the chosen convention if there is none."""
    shown = [c for c in CONVENTIONS.values() if keys & {c.name, f"{c.name}_share"}]
    return [f"{c.label}: {c.definition}." for c in shown or [convention]]


def training_notes(costs: Iterable[NetCost], convention: Convention) -> list[str]:
    """Say what auxiliary heads add to each network that is counted with them."""
    return [
        f"In training only, the auxiliary heads of {cost.graph.name}: "
        f"{format_exact(convention.count_params(heads.cost))} {params_label(convention)}, "
        f"{format_exact(convention.count(heads.cost))} {convention.label}."
        for cost in costs
        if (heads := cost.auxiliary).nodes
    ]


def _is_free(line: NetworkRow, columns: Sequence[Column[NetworkRow]]) -> bool:
    """Return whether every amount shown of this row is 0."""
    amounts = [c for c in columns if c.unit in ("count", "bytes", "time") and c.key != "layers"]
    return bool(amounts) and not any(column.value(line) for column in amounts)


def _cut(lines: Sequence[NetworkRow], top: int | None) -> list[NetworkRow]:
    """Return the first `top` lines, and the others as one."""
    if top is None or len(lines) <= top:
        return list(lines)
    others = lines[top:]
    name = f"({len(others)} other{'s' if len(others) > 1 else ''})"
    rest = merge(name, "", [line.row for line in others])
    return [*lines[:top], NetworkRow(rest, others[0].whole, prediction=others[0].prediction)]


def network_totals(
    cost: NetCost, convention: Convention, *, inplace: bool = False
) -> dict[str, Any]:
    """Return every total of a network as an exact integer; bytes are for fp32 and one image."""
    whole = total_row(cost, inplace=inplace)
    return {column.key: column.value(whole) for column in choose(COLUMNS, _total_keys(convention))}


def window(node: Node) -> str | None:
    """Return kernel, stride and groups of a layer that has them: "3/2/32", "1x7/1/1"."""
    match node.layer:
        case (
            L.Conv2d(kernel=kernel, stride=stride, groups=groups)
            | L.ConvTranspose2d(kernel=kernel, stride=stride, groups=groups)
        ):
            return f"{side(kernel)}/{side(stride)}/{groups}"
        case L.MaxPool2d(kernel=kernel, stride=stride) | L.AvgPool2d(kernel=kernel, stride=stride):
            return f"{side(kernel)}/{side(stride)}/-"
        case (
            L.Linear() | L.BatchNorm() | L.Activation() | L.GlobalAvgPool() | L.Add()
            | L.Multiply() | L.Complement() | L.Concat() | L.ChannelShuffle()
            | L.SelectChannels() | L.Shift() | L.SliceChannels() | L.WeightedSum() | L.Flatten()
            | L.Dropout()
        ):  # fmt: skip
            return None
        case _:
            assert_never(node.layer)


def side(pair: L.Pair) -> str:
    """Print [3, 3] as 3 and [1, 7] as 1x7."""
    return str(pair[0]) if pair[0] == pair[1] else "x".join(map(str, pair))


def _row_window(row: Row) -> Value:
    return window(row.nodes[0]) if len(row.nodes) == 1 else None


def _default_columns(by: Level, convention: Convention) -> list[str]:
    params = [convention.params_key] if own_params(convention) else ["params", "params_share"]
    counts = [*params, convention.name, f"{convention.name}_share"]
    match by:
        case "layer":
            return ["name", "operator", "input", "output", "ksg", *counts]
        case "block" | "stage":
            return ["name", "operator", "layers", "input", "output", *counts]
        case "kind":
            return ["name", "layers", *counts]


def _total_keys(convention: Convention) -> list[str]:
    """Return the costs that JSON always has."""
    counts = [shown.name for shown in shown_with(convention)]
    memory = ("activations", "traffic", "param_memory", "peak_memory")
    return ["params", convention.params_key, *counts, *memory]


def _window_field(name: str) -> Callable[[NetworkRow], object]:
    """Return the reader of a field of convolutions and pools."""
    return lambda line: (
        getattr(line.row.nodes[0].layer, name, None) if _row_window(line.row) else None
    )
