"""The architecture table of a network, as papers print it: a row a stage, with what it costs."""

from collections.abc import Iterator, Mapping, Sequence
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
    """A stage of the spec with its fields, those that its author wrote, and what it costs."""

    name: str
    block: str
    fields: Mapping[str, Any]
    written: frozenset[str]
    row: Row

    def shown(self, field: str) -> str | None:
        """A field as in a paper's table: none where the block has no such field."""
        value = self.fields.get(field)
        if field == "channels" and value is not None:
            return str(self.row.output.c)
        return None if value is None else _text(value)

    @property
    def others(self) -> str | None:
        """Fields that were written and have no letter."""
        rest = sorted(self.written - SYMBOLS.keys() - {"name", "block"})
        return ", ".join(filter(None, (_said(key, self.fields[key]) for key in rest))) or None


def architecture_table(
    spec: NetSpec, cost: NetCost, convention: Convention
) -> Table[ArchitectureRow]:
    """A row a stage: its input, block and fields as in the paper's Table 2, params and counts.

    `c` is what comes out, the width multiplier included. `cost` is that of the spec.
    """
    lines = list(_lines(spec, cost))
    letters = [field for field in SYMBOLS if field in ALWAYS or _is_written(lines, field)]
    others: Column[ArchitectureRow] = Column(
        "others", "other", lambda line: line.others, "prose", spare=7
    )
    return Table(
        title=f"{spec.title}, {cost.graph.input} to {cost.graph.output}",
        columns=(
            Column("name", "stage", lambda line: line.name, spare=6),
            Column("input", "input", lambda line: line.row.input if line.fields else None),
            Column("block", "operator", lambda line: line.block),
            *(_letter(field) for field in letters),
            *([others] if any(line.others for line in lines) else []),
            Column("params", "params", lambda line: line.row.params, "count"),
            Column(
                convention.name,
                convention.label,
                lambda line: convention.count(line.row.cost),
                "count",
            ),
        ),
        items=lines,
        total=ArchitectureRow("total", "", {}, frozenset(), cost.whole),
        notes=(
            f"{', '.join(': '.join(SYMBOLS[field]) for field in letters)}.",
            *definitions({convention.name}, convention),
        ),
        facts={"network": spec.title, "convention": convention.name},
        more={
            "output": lambda line: line.row.output,
            **{field: partial(_written, field) for field in letters},
        },
        rows_key="stages",
    )


def _lines(spec: NetSpec, cost: NetCost) -> Iterator[ArchitectureRow]:
    """The stages that have layers."""
    rows = {row.name: row for row in cost.by("stage")}
    for stage, fields in zip(spec.stages, stage_fields(spec), strict=True):
        if stage.name in rows:
            yield ArchitectureRow(
                stage.name,
                stage.block,
                {**fields, "repeat": stage.repeat},
                frozenset(stage.model_fields_set),
                rows[stage.name],
            )


def _is_written(lines: Sequence[ArchitectureRow], field: str) -> bool:
    return any(field in line.written and line.fields[field] is not None for line in lines)


def _letter(field: str) -> Column[ArchitectureRow]:
    return Column(field, SYMBOLS[field][0], lambda line: line.shown(field), "count")


def _text(value: Any) -> str:
    """Numbers as they are, [1, 7] as 1x7, and lists of lists apart by slashes."""
    if not isinstance(value, tuple):
        return str(value)
    nested = any(isinstance(part, tuple) for part in value)
    return (" / " if nested else ", ").join(_text(part) for part in value)


def _said(key: str, value: Any) -> str | None:
    """A field in words: "bias", "no norm", "activation relu"; nothing of a cell."""
    if isinstance(value, Cell):
        return None
    if value is True:
        return key
    if value is None or value is False:
        return f"no {key}"
    return f"{key} {_text(value)}"


def _written(field: str, line: ArchitectureRow) -> Any:
    return line.fields.get(field)
