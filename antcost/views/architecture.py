"""The architecture table of a network, as papers print it: a row a stage, with what it costs."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

from antcost.blocks.genotype import Cell
from antcost.cost.analysis import NetCost, Row
from antcost.cost.convention import Convention
from antcost.sources.specs.model import NetSpec
from antcost.sources.specs.width import stage_fields
from antcost.tables.table import Column, Table
from antcost.views.network import definitions

SYMBOLS = {
    "expansion": ("t", "expansion"),
    "reduction": ("r", "reduction"),
    "kernel": ("k", "kernel"),
    "channels": ("c", "channels out"),
    "repeat": ("n", "repeated"),
    "stride": ("s", "stride of the first"),
    "groups": ("g", "groups"),
}
"""The letters that papers give to the fields of a stage, and what they mean."""

ALWAYS = {"channels", "repeat", "stride"}


@dataclass(frozen=True, slots=True)
class ArchitectureRow:
    """A stage of the spec with its fields, those that its author wrote, and its cost."""

    block: str
    fields: Mapping[str, Any]
    written: Set[str]
    cost: Row

    def printed(self, field: str) -> str | None:
        """Return a field as in a paper's table, or None where the block has no such field."""
        value = self.fields.get(field)
        if field == "channels" and value is not None:
            return str(self.cost.output.c)
        return None if value is None else _text(value)

    @property
    def others(self) -> str | None:
        """Fields that were written and have no letter."""
        rest = sorted(self.written - SYMBOLS.keys() - {"name", "block"})
        return ", ".join(filter(None, (_said(key, self.fields[key]) for key in rest))) or None


def architecture_table(
    spec: NetSpec, cost: NetCost, convention: Convention
) -> Table[ArchitectureRow]:
    """Return a row a stage: input, block and fields as in a paper's table, params and counts.

    `c` is what comes out, the width multiplier included. `cost` is that of the spec.
    """
    costs = {row.name: row for row in cost.by("stage")}
    rows = [
        ArchitectureRow(
            stage.block,
            {**fields, "repeat": stage.repeat},
            stage.model_fields_set,
            costs[stage.name],
        )
        for stage, fields in zip(spec.stages, stage_fields(spec), strict=True)
        if stage.name in costs
    ]
    letters = [
        field
        for field in SYMBOLS
        if field in ALWAYS
        or any(field in row.written and row.fields[field] is not None for row in rows)
    ]
    columns: list[Column[ArchitectureRow]] = [
        Column("name", "stage", lambda row: row.cost.name, spare=6),
        Column("input", "input", lambda row: row.cost.input if row.fields else None),
        Column("block", "operator", lambda row: row.block),
        *(_letter(field) for field in letters),
        Column("others", "other", lambda row: row.others, "prose", spare=7),
        Column("params", "params", lambda row: row.cost.params, "count"),
        Column(
            convention.name, convention.label, lambda row: convention.count(row.cost.cost), "count"
        ),
    ]
    if not any(row.others for row in rows):
        columns = [column for column in columns if column.key != "others"]
    return Table(
        title=f"{spec.title}, {cost.graph.input} to {cost.graph.output}",
        columns=columns,
        items=rows,
        total=ArchitectureRow("", {}, frozenset(), cost.whole),
        notes=(
            f"{', '.join(': '.join(SYMBOLS[field]) for field in letters)}.",
            *definitions({convention.name}, convention),
        ),
        facts={"network": spec.title, "convention": convention.name},
        more={
            "output": lambda row: row.cost.output,
            **{field: partial(_written, field) for field in letters},
        },
        rows_key="stages",
    )


def _letter(field: str) -> Column[ArchitectureRow]:
    return Column(field, SYMBOLS[field][0], lambda row: row.printed(field), "count")


def _text(value: Any) -> str:
    """Return numbers as they are, and lists of lists apart by slashes."""
    if not isinstance(value, tuple):
        return str(value)
    nested = any(isinstance(part, tuple) for part in value)
    return (" / " if nested else ", ").join(_text(part) for part in value)


def _said(key: str, value: Any) -> str | None:
    """Return a field in words: "bias", "no norm", "activation relu"; nothing of a cell."""
    if isinstance(value, Cell):
        return None
    if value is True:
        return key
    if value is None or value is False:
        return f"no {key}"
    return f"{key} {_text(value)}"


def _written(field: str, row: ArchitectureRow) -> Any:
    return row.fields.get(field)
