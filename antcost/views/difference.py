"""The table of what sets two networks apart, layer by layer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import assert_never

from antcost.cost.alignment import pairs, work
from antcost.cost.analysis import NetCost, Row
from antcost.cost.convention import Convention
from antcost.cost.device import Device, Prediction
from antcost.cost.memory import peak_bytes
from antcost.graph import layers as L
from antcost.graph.operators import operator
from antcost.tables.table import Column, Table
from antcost.units import format_bytes
from antcost.views.network import (
    definitions,
    network_totals,
    params_label,
    side,
    training_notes,
    window,
)
from antcost.views.predictions import prediction_data, prediction_notes

Count = tuple[Callable[[Row], int], Callable[[Row], int]]
"""How something is counted in A, and in B."""


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
        """Return a count in A and in B."""
        count_a, count_b = count
        return (count_a(self.a) if self.a else 0, count_b(self.b) if self.b else 0)

    def step(self, count: Count) -> int:
        """Return what the change adds to a count."""
        before, after = self.counts(count)
        return after - before


def difference_table(
    a: NetCost,
    b: NetCost,
    convention: Convention,
    *,
    free: bool = False,
    inplace: bool = False,
    device: Device | None = None,
) -> Table[Change]:
    """Return a row for each layer that was added, removed or changed from `a` to `b`.

    Changes that cost nothing are left out unless `free`. A layer that stays the same may still take
    another time on a device, where its neighbours let it run merged into one of them.
    """
    predictions = (device.predict(a), device.predict(b)) if device else None
    counts: dict[str, Count] = {
        convention.params_key: _twice(lambda row: convention.count_params(row.cost)),
        convention.name: _twice(lambda row: convention.count(row.cost)),
    }
    if predictions:
        counts["latency"] = (predictions[0].of, predictions[1].of)
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
            *_count_columns(
                convention.params_key,
                params_label(convention),
                counts[convention.params_key],
                spare=3,
            ),
            *_count_columns(convention.name, convention.label, counts[convention.name], spare=1),
            *(_time_columns(counts["latency"]) if predictions else ()),
        ),
        items=changes,
        total=Change("total", a.whole, b.whole),
        notes=(
            *definitions(set(), convention),
            f"As fp32 for one image{' (in place)' if inplace else ''}: activations at their peak "
            f"{_peak(a, inplace)} in A, {_peak(b, inplace)} in B.",
            *(_prediction_notes(a, b, predictions) if predictions else []),
            *training_notes((a, b), convention),
        ),
        hints=(f"Changes without cost not shown: {hidden} (--all).",) if hidden else (),
        facts={
            "convention": convention.name,
            "a": a.graph.name,
            "b": b.graph.name,
            "total": _totals(a, b, convention, inplace, predictions),
            **({"predictions": list(map(prediction_data, predictions))} if predictions else {}),
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


def _time_columns(count: Count) -> tuple[Column[Change], Column[Change], Column[Change]]:
    a, b, difference = _count_columns("latency", "latency", count, spare=1)
    return replace(a, unit="time"), replace(b, unit="time"), replace(difference, unit="delay")


def _prediction_notes(
    a: NetCost, b: NetCost, predictions: tuple[Prediction, Prediction]
) -> list[str]:
    """Return the notes on both predictions; B is called B if both networks have one name."""
    names = (a.graph.name, b.graph.name if b.graph.name != a.graph.name else f"{b.graph.name} (B)")
    return prediction_notes(dict(zip(names, predictions, strict=True)))


def _twice(count: Callable[[Row], int]) -> Count:
    return count, count


def _changes(a: NetCost, b: NetCost) -> Iterator[Change]:
    """Yield the layers that differ, in the order they run."""
    for before, after in pairs(a, b):
        if before is None or after is None:
            yield Change("removed" if after is None else "added", before, after)
        elif work(before) != work(after):
            yield Change("changed", before, after)


def _describe(row: Row | None) -> str | None:
    """Describe a layer: "depthwise conv 3/2/96, 96x56x56 to 96x28x28"."""
    if row is None or len(row.nodes) > 1:
        return None
    node = row.nodes[0]
    name = " ".join(filter(None, (operator(node), window(node), *_extras(node.layer))))
    return f"{name}, {node.input_shapes[0]} to {node.shape}"


def _extras(layer: L.Layer) -> Iterator[str]:
    """Yield what else a layer is, where it is not as usual."""
    match layer:
        case L.Conv2d(bias=bias, dilation=dilation, padding=padding):
            if bias:
                yield "biased"
            if dilation != (1, 1):
                yield f"dilation {side(dilation)}"
            yield from _padding(padding)
        case L.ConvTranspose2d(bias=bias, padding=padding):
            if bias:
                yield "biased"
            if padding != (0, 0):
                yield from _padding(padding)
        case L.Linear(bias=bias):
            if not bias:
                yield "unbiased"
        case L.MaxPool2d(padding=padding, ceil=ceil):
            yield from _padding(padding)
            if ceil:
                yield "rounded up"
        case L.AvgPool2d(padding=padding):
            yield from _padding(padding)
        case L.ChannelShuffle(groups=groups):
            yield f"of {groups} groups"
        case (
            L.BatchNorm() | L.Activation() | L.GlobalAvgPool() | L.Add() | L.Multiply()
            | L.Complement() | L.Concat() | L.SelectChannels() | L.Shift() | L.SliceChannels()
            | L.WeightedSum() | L.Flatten() | L.Dropout()
        ):  # fmt: skip
            return
        case _:
            assert_never(layer)


def _padding(padding: L.Padding) -> Iterator[str]:
    if padding != "same":
        yield padding if padding == "valid" else f"padding {side(padding)}"


def _totals(
    a: NetCost,
    b: NetCost,
    convention: Convention,
    inplace: bool,
    predictions: tuple[Prediction, Prediction] | None,
) -> dict[str, dict[str, int]]:
    before, after = (network_totals(cost, convention, inplace=inplace) for cost in (a, b))
    if predictions:
        before["latency"], after["latency"] = (each.latency_ps for each in predictions)
    difference = {key: after[key] - before[key] for key in before}
    return {"a": before, "b": after, "difference": difference}
