"""The table of several networks: ours, what was published, and the difference."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from antcost.backends.sizes import file_bytes
from antcost.cost.analysis import NetCost
from antcost.cost.convention import CONVENTIONS, Convention
from antcost.cost.device import Prediction
from antcost.cost.memory import arithmetic_intensity
from antcost.errors import AntcostError
from antcost.sources.network import Network
from antcost.sources.specs.catalog import shipped_folder
from antcost.sources.specs.model import Published
from antcost.tables.table import Column, Interval, Table, choose, ranked
from antcost.units import Printed, plain_number
from antcost.views.network import (
    definitions,
    network_totals,
    own_params,
    params_label,
    training_notes,
)
from antcost.views.predictions import prediction_data
from antcost.views.reasons import why


@dataclass(frozen=True, slots=True)
class Entry:
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
    def totals(self) -> dict[str, int]:
        return network_totals(self.cost, self.convention, inplace=self.inplace)

    def source(self, field: str) -> Published | None:
        """The first source that printed this figure."""
        return next(
            (row for row in self.network.published if getattr(row, field) is not None), None
        )

    @property
    def figures_source(self) -> str | None:
        """Where the published params and MAdds are from."""
        sources = (row.source for row in map(self.source, FIGURES) if row is not None)
        return "; ".join(dict.fromkeys(sources)) or None

    def published(self, field: str) -> Any:
        """The figure as the first source printed it."""
        source = self.source(field)
        return None if source is None else getattr(source, field)

    def explained(self) -> "Entry":
        """The entry with the reason of what its first sources printed."""
        if self.network.spec is None:
            return self
        sources = {field: self.source(field) for field in FIGURES}
        reasons = []
        for row in dict.fromkeys(filter(None, sources.values())):
            others = {field: None for field in FIGURES if sources[field] != row}
            reasons.append(why(self.network.spec, row.model_copy(update=others)))
        return replace(self, reason="; ".join(filter(None, reasons)) or None)

    def difference(self, field: str, ours: int) -> Fraction | None:
        """Ours against the published figure, relative to that."""
        published = self.published(field)
        return ours / published.value - 1 if published and published.value else None

    def fewer(self, field: str) -> Fraction | None:
        """How many times smaller a count is than the baseline's."""
        ours = getattr(self.cost, field)
        return Fraction(getattr(self.base, field), ours) if self.base and ours else None


def _count_column(convention: Convention) -> Column[Entry]:
    return Column(
        convention.name,
        convention.label,
        lambda entry: convention.count(entry.cost.whole.cost),
        "count",
    )


def _params_column(convention: Convention) -> Column[Entry]:
    count = convention.count_params
    return Column(
        convention.params_key,
        params_label(convention),
        lambda entry: count(entry.cost.whole.cost),
        "count",
    )


COLUMNS: tuple[Column[Entry], ...] = (
    Column("network", "network", lambda entry: entry.title),
    Column("spec", "spec", lambda entry: entry.reference),
    Column("input", "input", lambda entry: entry.cost.graph.input),
    Column("params", "params", lambda entry: entry.cost.params, "count", spare=1),
    Column(
        "params_published",
        "params publ.",
        lambda entry: entry.published("params"),
        "count",
        spare=4,
    ),
    Column(
        "params_difference",
        "diff.",
        lambda entry: entry.difference("params", entry.cost.params),
        "change",
        spare=5,
    ),
    *map(_count_column, CONVENTIONS.values()),
    *(_params_column(convention) for convention in CONVENTIONS.values() if own_params(convention)),
    Column(
        "madds_published",
        "MAdds publ.",
        lambda entry: entry.published("madds"),
        "count",
        spare=2,
    ),
    Column(
        "madds_difference",
        "diff.",
        lambda entry: entry.difference("madds", entry.cost.madds),
        "change",
        spare=3,
    ),
    Column(
        "peak_memory",
        "peak memory",
        lambda entry: entry.totals["peak_memory_bytes"],
        "bytes",
        spare=1,
    ),
    Column("param_memory", "param. memory", lambda entry: entry.totals["param_bytes"], "bytes"),
    Column("onnx_size", "ONNX", lambda entry: file_bytes(entry.cost.graph, "onnx"), "bytes"),
    Column(
        "coreml_size", "Core ML", lambda entry: file_bytes(entry.cost.graph, "mlmodel"), "bytes"
    ),
    Column("tflite_size", "TFLite", lambda entry: file_bytes(entry.cost.graph, "tflite"), "bytes"),
    Column("activations", "activations", lambda entry: entry.totals["activations"], "count"),
    Column("traffic", "traffic", lambda entry: entry.totals["traffic_bytes"], "bytes"),
    Column("intensity", "FLOP/B", lambda entry: arithmetic_intensity(entry.cost.whole), "ratio"),
    Column("top1", "top-1 publ.", lambda entry: entry.published("top1"), "percent", spare=6),
    Column("top5", "top-5 publ.", lambda entry: entry.published("top5"), "percent", spare=7),
    Column("latency", "latency", lambda entry: entry.latency_ps, "time"),
    Column("speed_up", "speed-up", lambda entry: entry.speed_up),
    Column("latency_published", "latency publ.", lambda entry: entry.published("latency"), "count"),
    Column("size_published", "size publ.", lambda entry: entry.published("size"), "count"),
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
FIGURES = ("params", "madds")
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
LATENCY = ("latency", "speed_up")
"""What is measured or predicted."""

FILES = {"onnx_size", "coreml_size", "tflite_size"}
FILES_NOTE = (
    "ONNX, Core ML (.mlmodel), TFLite: files with fp32 weights, estimated as by antcost size."
)
MEMORY = {"peak_memory", "param_memory", "traffic", "intensity"}


def compare_table(
    entries: Sequence[Entry],
    convention: Convention,
    *,
    baseline: Entry | None = None,
    columns: Sequence[str] = (),
    sort: str | None = None,
    inplace: bool = False,
    published: bool = False,
    latency_notes: Sequence[str] = (),
) -> Table[Entry]:
    """A row a network, in the order given or by the column `sort`; named, whatever the columns.

    `latency_notes` say how the latencies of the entries were found.
    Differences are ours against the published figure; with `published`, they stand beside their
    reasons, and networks without such figures are left out. `baseline` is the network that the
    others are so many times smaller than. Raises AntcostError for an unknown column, or one that
    needs a baseline where there is none.
    """
    base = baseline.cost if baseline else None
    every = [replace(entry, convention=convention, inplace=inplace, base=base) for entry in entries]
    entries = [entry for entry in every if not published or any(map(entry.source, FIGURES))]
    left_out = len(every) - len(entries)
    chosen = choose(COLUMNS, _named(columns)) or (
        _published_columns(entries)
        if published
        else _default_columns(convention, entries, base is not None)
    )
    keys = {column.key for column in chosen}
    if "reason" in keys:
        entries = [entry.explained() for entry in entries]
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
        data=lambda: {
            "convention": convention.name,
            **({"baseline": baseline.title} if baseline else {}),
            "networks": [_data(entry) for entry in entries],
        },
    )


def _named(columns: Sequence[str]) -> Sequence[str]:
    """The columns, with the network in front where no other names it."""
    return columns if not columns or {"network", "spec"} & {*columns} else ["network", *columns]


def find_entry(entries: Sequence[Entry], name: str) -> Entry | None:
    """The entry that is called so: as on the command line, as its file, by its name or stem."""
    ways_to_match: tuple[Callable[[Entry], bool], ...] = (
        lambda entry: entry.reference == name,
        lambda entry: Path(entry.reference).resolve() == (shipped_folder() / f"{name}.yaml"),
        lambda entry: entry.network.name == name,
        lambda entry: Path(entry.reference).stem == name,
    )
    found = (entry for matches in ways_to_match for entry in entries if matches(entry))
    return next(found, None)


def _published_columns(entries: Sequence[Entry]) -> tuple[Column[Entry], ...]:
    """Ours, what was printed, and why they differ: of narrow columns, as the reason needs room.

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
    convention: Convention, entries: Sequence[Entry], compared: bool
) -> tuple[Column[Entry], ...]:
    """What a paper's table has; published columns only where something was published."""
    printed = ["madds_published", "madds_difference"]
    has_printed = any(entry.source("madds") for entry in entries)
    own_madds = ["madds"] if has_printed and convention.name != "madds" else []
    own = [convention.params_key] if own_params(convention) else []
    keys = [
        "network", "params", "params_published", "params_difference", *own,
        convention.name, *own_madds, *printed, "peak_memory", "top1", "top5",
    ]  # fmt: skip
    filled = [
        key
        for key in keys
        if key not in PUBLISHED or any(entry.source(PUBLISHED[key]) for entry in entries)
    ]
    timed = [*LATENCY] if any(entry.latency_ps is not None for entry in entries) else []
    fewer = ["params_fewer", "madds_fewer"] if compared else []
    return choose(COLUMNS, [*filled, *timed, *fewer])


def _sources_note(entries: Sequence[Entry], keys: Set[str]) -> list[str]:
    """Where the published figures of the shown columns were printed."""
    fields = dict.fromkeys(field for key, field in PUBLISHED.items() if key in keys)
    printed = (entry.source(field) for entry in entries for field in fields)
    sources = dict.fromkeys(row.source for row in printed if row is not None)
    if not sources:
        return []
    where = "its source" if "source" in keys else "; ".join(sources)
    compared = any(key.endswith("_difference") for key in keys)
    end = " diff.: ours against that." if compared else ""
    return [f"publ.: as printed in {where}.{end}"]


def _data(entry: Entry) -> dict[str, Any]:
    """One network for JSON: exact integers, and ratios as decimals."""
    ratios = {
        "params_difference": entry.difference("params", entry.cost.params),
        "madds_difference": entry.difference("madds", entry.cost.madds),
        "params_fewer": entry.fewer("params"),
        "madds_fewer": entry.fewer("madds"),
    }
    return {
        "network": entry.title,
        "spec": entry.reference,
        "input": entry.network.graph.input.dims,
        "total": entry.totals,
        **{key: float(ratio) for key, ratio in ratios.items() if ratio is not None},
        **({"reason": entry.reason} if entry.reason else {}),
        **({"latency_ps": entry.latency_ps} if entry.latency_ps is not None else {}),
        **({"speed_up": entry.speed_up.data} if entry.speed_up else {}),
        **({"prediction": prediction_data(entry.prediction)} if entry.prediction else {}),
        "published": [
            {field: _printed(value) for field, value in row if value is not None}
            for row in entry.network.published
        ],
    }


def _printed(value: object) -> object:
    if isinstance(value, Printed):
        return {"printed": value.text, "value": plain_number(value.value)}
    return value
