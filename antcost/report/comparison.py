"""The table of several networks: ours, what was published, and the difference."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from antcost.cost.analysis import NetCost
from antcost.cost.convention import CONVENTIONS, Convention
from antcost.cost.memory import arithmetic_intensity
from antcost.errors import AntcostError, suggest
from antcost.report.network import network_totals
from antcost.report.table import Column, Table, choose, ranked
from antcost.spec.catalog import shipped_folder
from antcost.spec.model import NetSpec, Published
from antcost.units import Printed


@dataclass(frozen=True, slots=True)
class Entry:
    """One network of a comparison: how it was named, its spec, what it costs, and the baseline."""

    reference: str
    spec: NetSpec
    cost: NetCost
    inplace: bool = False
    base: NetCost | None = None

    @property
    def totals(self) -> dict[str, int]:
        return network_totals(self.cost, inplace=self.inplace)

    def source(self, field: str) -> Published | None:
        """The first source that printed this figure."""
        return next((row for row in self.spec.published if getattr(row, field) is not None), None)

    def published(self, field: str) -> Any:
        """The figure as the first source printed it."""
        source = self.source(field)
        return None if source is None else getattr(source, field)

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


COLUMNS: tuple[Column[Entry], ...] = (
    Column("network", "network", lambda entry: entry.spec.title),
    Column("spec", "spec", lambda entry: entry.reference),
    Column("input", "input", lambda entry: entry.cost.graph.input),
    Column("params", "params", lambda entry: entry.cost.params, "count"),
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
    Column("activations", "activations", lambda entry: entry.totals["activations"], "count"),
    Column("traffic", "traffic", lambda entry: entry.totals["traffic_bytes"], "bytes"),
    Column("intensity", "FLOP/B", lambda entry: arithmetic_intensity(entry.cost.whole), "ratio"),
    Column("top1", "top-1 publ.", lambda entry: entry.published("top1"), "ratio", spare=6),
    Column("top5", "top-5 publ.", lambda entry: entry.published("top5"), "ratio", spare=7),
    Column("latency", "latency publ.", lambda entry: entry.published("latency"), "count"),
    Column("size", "size publ.", lambda entry: entry.published("size"), "count"),
    Column(
        "published",
        "published in",
        lambda entry: "; ".join(row.source for row in entry.spec.published) or None,
    ),
    Column("params_fewer", "params x fewer", lambda entry: entry.fewer("params"), "times"),
    Column("madds_fewer", "MAdds x fewer", lambda entry: entry.fewer("madds"), "times"),
)
PUBLISHED = {
    "params_published": "params",
    "params_difference": "params",
    "madds_published": "madds",
    "madds_difference": "madds",
    **{field: field for field in ("top1", "top5", "latency", "size")},
}
MEMORY = {"peak_memory", "param_memory", "traffic", "intensity"}


def compare_table(
    entries: Sequence[Entry],
    convention: Convention,
    *,
    baseline: str | None = None,
    columns: Sequence[str] = (),
    sort: str | None = None,
    inplace: bool = False,
) -> Table[Entry]:
    """A row a network, in the order given or by the column `sort`.

    Differences are ours against the published figure. `baseline` is the name or file of the network
    that the others are so many times smaller than.
    Raises AntcostError for an unknown column or baseline.
    """
    base = None if baseline is None else _find(entries, baseline)
    entries = [
        replace(entry, inplace=inplace, base=base.cost if base else None) for entry in entries
    ]
    chosen = choose(COLUMNS, columns) or _default_columns(convention, entries, base is not None)
    if sort is not None:
        entries = ranked(entries, *choose(COLUMNS, [sort]))
    keys = {column.key for column in chosen}
    return Table(
        title=f"{len(entries)} network{'s' if len(entries) > 1 else ''}",
        columns=chosen,
        items=entries,
        notes=(
            f"{convention.label}: {convention.definition}.",
            *_sources_note(entries, keys),
            *(
                [f"Memory: fp32, one image{', in place' if inplace else ''}."]
                if keys & MEMORY
                else []
            ),
            *([f"x fewer: than {base.spec.title}."] if base else []),
        ),
        data=lambda: {
            "convention": convention.name,
            "networks": [_data(entry) for entry in entries],
        },
    )


def _find(entries: Sequence[Entry], name: str) -> Entry:
    """The one entry that is called so: as on the command line, as its file, by its name or stem."""
    ways_to_match: tuple[Callable[[Entry], bool], ...] = (
        lambda entry: entry.reference == name,
        lambda entry: Path(entry.reference).resolve() == (shipped_folder() / f"{name}.yaml"),
        lambda entry: entry.spec.name == name,
        lambda entry: Path(entry.reference).stem == name,
    )
    for matches in ways_to_match:
        found = [entry for entry in entries if matches(entry)]
        if found:
            return found[0]
    known = [entry.reference for entry in entries] + [entry.spec.name for entry in entries]
    raise AntcostError(f"no baseline {name!r} among the networks; {suggest(name, known)}")


def _default_columns(
    convention: Convention, entries: Sequence[Entry], compared: bool
) -> tuple[Column[Entry], ...]:
    """What a paper's table has; published columns only where something was published."""
    keys = [
        "network", "params", "params_published", "params_difference",
        convention.name, "madds_published", "madds_difference", "peak_memory", "top1", "top5",
    ]  # fmt: skip
    return choose(
        COLUMNS,
        [
            *(
                key
                for key in keys
                if key not in PUBLISHED or any(entry.source(PUBLISHED[key]) for entry in entries)
            ),
            *(["params_fewer", "madds_fewer"] if compared else []),
        ],
    )


def _sources_note(entries: Sequence[Entry], keys: Set[str]) -> list[str]:
    """Where the published figures of the shown columns were printed."""
    fields = dict.fromkeys(field for key, field in PUBLISHED.items() if key in keys)
    printed = (entry.source(field) for entry in entries for field in fields)
    sources = dict.fromkeys(row.source for row in printed if row is not None)
    if not sources:
        return []
    return [f"publ.: as printed in {'; '.join(sources)}. diff.: ours against that."]


def _data(entry: Entry) -> dict[str, Any]:
    """One network for JSON."""
    return {
        "network": entry.spec.title,
        "spec": entry.reference,
        "input": entry.spec.input,
        "total": entry.totals,
        "published": [
            {field: _plain(value) for field, value in row if value is not None}
            for row in entry.spec.published
        ],
    }


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Printed) else value
