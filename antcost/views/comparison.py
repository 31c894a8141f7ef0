"""The table of several networks: ours, what was published, and the difference."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from antcost.backends.sizes import FileFormat, file_bytes
from antcost.cost.analysis import NetCost
from antcost.cost.convention import CONVENTIONS, Convention
from antcost.cost.device import Prediction
from antcost.errors import AntcostError
from antcost.reconcile.reasons import FIGURES, reason_of
from antcost.sources.network import Network
from antcost.sources.specs.catalog import shipped_folder
from antcost.sources.specs.model import Published
from antcost.tables.table import Column, Interval, Table, Unit, choose, ranked
from antcost.units import Printed
from antcost.views.network import (
    COST_COLUMNS,
    NetworkRow,
    definitions,
    network_totals,
    own_params,
    total_row,
    training_notes,
)
from antcost.views.predictions import prediction_data


@dataclass(frozen=True, slots=True)
class ComparedNetwork:
    """One network of a comparison, and what it is compared with.

    `reason` is why published figures differ from ours, once it was asked for; `latency_ps` and
    `speed_up` are what was measured, or follow from the `prediction` for a device, if any.
    """

    network: Network
    convention: Convention = CONVENTIONS["madds"]
    inplace: bool = False
    base: NetCost | None = None
    reason: str | None = None
    latency_ps: int | None = None
    speed_up: Interval | None = None
    prediction: Prediction | None = None

    @property
    def reference(self) -> str:
        return self.network.reference

    @property
    def title(self) -> str:
        return self.network.title

    @property
    def cost(self) -> NetCost:
        return self.network.cost

    @property
    def totals(self) -> dict[str, Any]:
        return network_totals(self.cost, self.convention, inplace=self.inplace)

    @property
    def total(self) -> NetworkRow:
        return total_row(self.cost, inplace=self.inplace)

    @property
    def figures_source(self) -> str | None:
        """Where the published params and MAdds are from."""
        sources = (row.source for row in map(self.network.source, FIGURES) if row is not None)
        return "; ".join(dict.fromkeys(sources)) or None

    def published(self, field: str) -> Any:
        """Return the figure as the first source printed it."""
        source = self.network.source(field)
        return None if source is None else getattr(source, field)

    def difference(self, field: str) -> Fraction | None:
        """Return ours against the published figure, relative to that."""
        published = self.published(field)
        ours = getattr(self.cost, field)
        return ours / published.value - 1 if published and published.value else None

    def fewer(self, field: str) -> Fraction | None:
        """Return how many times smaller a count is than the baseline's."""
        ours = getattr(self.cost, field)
        return Fraction(getattr(self.base, field), ours) if self.base and ours else None


def _cost_column(column: Column[NetworkRow]) -> Column[ComparedNetwork]:
    """Return a column of the total of one network as one of several networks."""
    return Column(
        column.key,
        column.header,
        lambda entry: column.value(entry.total),
        column.unit,
        column.spare,
    )


def _published_column(
    key: str, label: str, field: str, unit: Unit = "count", spare: int = 0
) -> Column[ComparedNetwork]:
    return Column(key, f"{label} publ.", lambda entry: entry.published(field), unit, spare)


def _difference_column(field: str, spare: int) -> Column[ComparedNetwork]:
    key = f"{field}_difference"
    return Column(key, "diff.", lambda entry: entry.difference(field), "change", spare)


def _file_column(key: str, label: str, form: FileFormat) -> Column[ComparedNetwork]:
    return Column(key, label, lambda entry: file_bytes(entry.cost.graph, form), "bytes")


COLUMNS: tuple[Column[ComparedNetwork], ...] = (
    Column("network", "network", lambda entry: entry.title),
    Column("spec", "spec", lambda entry: entry.reference),
    Column("input", "input", lambda entry: entry.cost.graph.input),
    *map(_cost_column, COST_COLUMNS),
    _published_column("params_published", "params", "params", spare=4),
    _difference_column("params", spare=5),
    _published_column("madds_published", "MAdds", "madds", spare=2),
    _difference_column("madds", spare=3),
    _published_column("top1", "top-1", "top1", "percent", spare=6),
    _published_column("top5", "top-5", "top5", "percent", spare=7),
    _published_column("latency_published", "latency", "latency"),
    _published_column("size_published", "size", "size"),
    _file_column("onnx_size", "ONNX", "onnx"),
    _file_column("coreml_size", "Core ML", "mlmodel"),
    _file_column("tflite_size", "TFLite", "tflite"),
    Column("latency", "latency", lambda entry: entry.latency_ps, "time"),
    Column("speed_up", "speed-up", lambda entry: entry.speed_up),
    Column(
        "published",
        "published in",
        lambda entry: "; ".join(row.source for row in entry.network.published) or None,
    ),
    Column("source", "published in", lambda entry: entry.figures_source, "prose"),
    Column("reason", "reason", lambda entry: entry.reason, "prose"),
    Column("params_fewer", "x params", lambda entry: entry.fewer("params"), "times", spare=5),
    Column("madds_fewer", "x MAdds", lambda entry: entry.fewer("madds"), "times", spare=1),
)
PUBLISHED_KEYS = (
    "network", "params", "params_published", "params_difference",
    "madds", "madds_published", "madds_difference", "source", "reason",
)  # fmt: skip
PUBLISHED = {
    "params_published": "params",
    "params_difference": "params",
    "madds_published": "madds",
    "madds_difference": "madds",
    "latency_published": "latency",
    "size_published": "size",
    "top1": "top1",
    "top5": "top5",
}
DATA_KEYS = (
    "network", "spec", "input", "params_difference", "madds_difference", "params_fewer",
    "madds_fewer", "latency", "speed_up",
)  # fmt: skip
"""What JSON always has beside the totals."""

LATENCY = ("latency", "speed_up")
"""What is measured or predicted."""

FILES = {"onnx_size", "coreml_size", "tflite_size"}
FILES_NOTE = (
    "ONNX, Core ML (.mlmodel), TFLite: files with fp32 weights, estimated as by antcost size."
)
MEMORY = {"peak_memory", "param_memory", "traffic", "intensity"}


def compare_table(
    entries: Sequence[ComparedNetwork],
    convention: Convention,
    *,
    baseline: ComparedNetwork | None = None,
    columns: Sequence[str] = (),
    sort: str | None = None,
    inplace: bool = False,
    published: bool = False,
    latency_notes: Sequence[str] = (),
) -> Table[ComparedNetwork]:
    """Return a row for each network, in this order or by the column `sort`, always named.

    `latency_notes` say how the latencies of the entries were found.
    Differences are ours against the published figure; with `published`, they stand beside their
    reasons, and networks without such figures are left out. `baseline` is the network that the
    others are so many times smaller than. Raises AntcostError for an unknown column, or one that
    needs a baseline where there is none.
    """
    base = baseline.cost if baseline else None
    every = [replace(entry, convention=convention, inplace=inplace, base=base) for entry in entries]
    entries = [entry for entry in every if not published or any(map(entry.network.source, FIGURES))]
    left_out = len(every) - len(entries)
    chosen = choose(COLUMNS, _named(columns)) or (
        _published_columns(entries)
        if published
        else _default_columns(convention, entries, base is not None)
    )
    keys = {column.key for column in chosen}
    if "reason" in keys:
        entries = [replace(entry, reason=reason_of(entry.network)) for entry in entries]
    if sort is not None:
        entries = ranked(entries, *choose(COLUMNS, [sort]))
    if baseline is None and keys & {"params_fewer", "madds_fewer"}:
        raise AntcostError("the columns params_fewer and madds_fewer need a baseline")
    memory_note = f"Memory: fp32, one image{', in place' if inplace else ''}."
    return Table(
        title=f"{len(entries)} network{'' if len(entries) == 1 else 's'}",
        columns=chosen,
        items=entries,
        notes=(
            *definitions(keys, convention),
            *_sources_note(entries, keys),
            *([memory_note] if keys & MEMORY else []),
            *([FILES_NOTE] if keys & FILES else []),
            *(latency_notes if keys & {*LATENCY} else []),
            *([f"x: times fewer than {baseline.title}."] if baseline else []),
            *([f"Left out, without published params or MAdds: {left_out}."] if left_out else []),
            *training_notes((entry.cost for entry in entries), convention),
        ),
        facts={
            "convention": convention.name,
            **({"baseline": baseline.title} if baseline else {}),
        },
        more={
            **{c.key: c.value for c in choose(COLUMNS, DATA_KEYS)},
            "total": lambda entry: entry.totals,
            "prediction": lambda entry: entry.prediction and prediction_data(entry.prediction),
            "published": lambda entry: [_figures(row) for row in entry.network.published],
        },
        rows_key="networks",
    )


def _named(columns: Sequence[str]) -> Sequence[str]:
    """Return the columns, with the network in front where no other names it."""
    return columns if not columns or {"network", "spec"} & {*columns} else ["network", *columns]


def find_entry(entries: Sequence[ComparedNetwork], name: str) -> ComparedNetwork | None:
    """Return the entry of this name: as on the command line, its file, its own or its stem."""
    ways_to_match: tuple[Callable[[ComparedNetwork], bool], ...] = (
        lambda entry: entry.reference == name,
        lambda entry: Path(entry.reference).resolve() == (shipped_folder() / f"{name}.yaml"),
        lambda entry: entry.network.name == name,
        lambda entry: Path(entry.reference).stem == name,
    )
    found = (entry for matches in ways_to_match for entry in entries if matches(entry))
    return next(found, None)


def _published_columns(entries: Sequence[ComparedNetwork]) -> tuple[Column[ComparedNetwork], ...]:
    """Return narrow columns of ours, what was printed, and why they differ.

    Each has its source where there are several.
    """
    several = len({entry.figures_source for entry in entries}) > 1
    keys = [key for key in PUBLISHED_KEYS if several or key != "source"]
    headers = {"params_published": "publ.", "madds_published": "publ."}
    return tuple(
        replace(
            column,
            header=headers.get(column.key, column.header),
            spare=1 if column.key.endswith("_difference") or column.key == "source" else 0,
        )
        for column in choose(COLUMNS, keys)
    )


def _default_columns(
    convention: Convention, entries: Sequence[ComparedNetwork], compared: bool
) -> tuple[Column[ComparedNetwork], ...]:
    """Return the columns of a paper's table; published ones only where something was published."""
    printed = ["madds_published", "madds_difference"]
    has_printed = any(entry.network.source("madds") for entry in entries)
    own_madds = ["madds"] if has_printed and convention.name != "madds" else []
    own = [convention.params_key] if own_params(convention) else []
    keys = [
        "network", "params", "params_published", "params_difference", *own,
        convention.name, *own_madds, *printed, "peak_memory", "top1", "top5",
    ]  # fmt: skip
    filled = [
        key
        for key in keys
        if key not in PUBLISHED or any(entry.network.source(PUBLISHED[key]) for entry in entries)
    ]
    timed = [*LATENCY] if any(entry.latency_ps is not None for entry in entries) else []
    fewer = ["params_fewer", "madds_fewer"] if compared else []
    return choose(COLUMNS, [*filled, *timed, *fewer])


def _sources_note(entries: Sequence[ComparedNetwork], keys: Set[str]) -> list[str]:
    """Say where the published figures of the shown columns were printed."""
    fields = dict.fromkeys(field for key, field in PUBLISHED.items() if key in keys)
    printed = (entry.network.source(field) for entry in entries for field in fields)
    sources = dict.fromkeys(row.source for row in printed if row is not None)
    if not sources:
        return []
    where = "its source" if "source" in keys else "; ".join(sources)
    compared = any(key.endswith("_difference") for key in keys)
    end = " diff.: ours against that." if compared else ""
    return [f"publ.: as printed in {where}.{end}"]


def _figures(row: Published) -> dict[str, Any]:
    """Return what one source printed for JSON: figures as printed, and their values."""
    return {
        field: {"printed": value.text, "value": value} if isinstance(value, Printed) else value
        for field, value in row
        if value is not None
    }
