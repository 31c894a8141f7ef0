"""The table of several networks: ours, what was published, and the difference."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from antcost.cost.analysis import NetCost
from antcost.cost.convention import CONVENTIONS, Convention
from antcost.cost.memory import arithmetic_intensity
from antcost.errors import AntcostError, suggest
from antcost.report.network import network_totals
from antcost.report.table import Cells, Column, Table, choose, ranked
from antcost.spec.catalog import shipped_folder
from antcost.spec.model import NetSpec, Published
from antcost.units import Printed

COLUMNS = (
    Column("network", "network"),
    Column("spec", "spec"),
    Column("input", "input"),
    Column("params", "params", "count"),
    Column("params_published", "params publ.", "count", spare=4),
    Column("params_difference", "diff.", "change", spare=5),
    *(Column(convention.name, convention.label, "count") for convention in CONVENTIONS.values()),
    Column("madds_published", "MAdds publ.", "count", spare=2),
    Column("madds_difference", "diff.", "change", spare=3),
    Column("peak_memory", "peak memory", "bytes", spare=1),
    Column("param_memory", "param. memory", "bytes"),
    Column("activations", "activations", "count"),
    Column("traffic", "traffic", "bytes"),
    Column("intensity", "FLOP/B", "ratio"),
    Column("top1", "top-1 publ.", "ratio", spare=6),
    Column("top5", "top-5 publ.", "ratio", spare=7),
    Column("latency", "latency publ.", "count"),
    Column("size", "size publ.", "count"),
    Column("source", "published in"),
    Column("params_fewer", "params x fewer", "times"),
    Column("madds_fewer", "MAdds x fewer", "times"),
)
PUBLISHED = {
    "params_published": "params",
    "params_difference": "params",
    "madds_published": "madds",
    "madds_difference": "madds",
    **{field: field for field in ("top1", "top5", "latency", "size")},
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One network of a comparison: how it was named, its spec, and what it costs."""

    reference: str
    spec: NetSpec
    cost: NetCost

    def source(self, field: str) -> Published | None:
        """The first source that printed this figure."""
        return next((row for row in self.spec.published if getattr(row, field) is not None), None)

    def published(self, field: str) -> Any:
        """The figure as the first source printed it."""
        source = self.source(field)
        return None if source is None else getattr(source, field)


def compare_table(
    entries: Sequence[Entry],
    convention: Convention,
    *,
    baseline: str | None = None,
    columns: Sequence[str] = (),
    sort: str | None = None,
    inplace: bool = False,
) -> Table:
    """A row a network, in the order given or by the column `sort`.

    Differences are ours against the published figure. `baseline` is the name or file of the network
    that the others are so many times smaller than.
    Raises AntcostError for an unknown column or baseline.
    """
    base = None if baseline is None else _find(entries, baseline)
    rows = [_cells(entry, base, inplace) for entry in entries]
    chosen = choose(COLUMNS, columns) or _default_columns(convention, base, rows)
    paired = list(zip(entries, rows, strict=True))
    if sort is not None:
        (column,) = choose(COLUMNS, [sort])
        paired = ranked(paired, lambda pair: pair[1][column.key])
    return Table(
        title=f"{len(entries)} network{'s' if len(entries) > 1 else ''}",
        columns=chosen,
        rows=tuple(cells for _, cells in paired),
        notes=tuple(_notes(entries, convention, chosen, base, inplace)),
        data={
            "convention": convention.name,
            "networks": [_data(entry, inplace) for entry, _ in paired],
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
    convention: Convention, base: Entry | None, rows: Iterable[Cells]
) -> tuple[Column, ...]:
    """What a paper's table has; published columns only where something was published."""
    keys = [
        "network", "params", "params_published", "params_difference",
        convention.name, "madds_published", "madds_difference", "peak_memory", "top1", "top5",
    ]  # fmt: skip
    if base is not None:
        keys += ["params_fewer", "madds_fewer"]
    filled = {key for row in rows for key, value in row.items() if value is not None}
    return choose(COLUMNS, [key for key in keys if key in filled])


def _cells(entry: Entry, base: Entry | None, inplace: bool) -> Cells:
    cost, totals = entry.cost, network_totals(entry.cost, inplace=inplace)
    params, madds = entry.published("params"), entry.published("madds")
    return {
        "network": entry.spec.title,
        "spec": entry.reference,
        "input": cost.graph.input,
        "params": cost.params,
        "params_published": params,
        "params_difference": _difference(cost.params, params),
        **{convention.name: totals[convention.name] for convention in CONVENTIONS.values()},
        "madds_published": madds,
        "madds_difference": _difference(cost.madds, madds),
        "peak_memory": totals["peak_memory_bytes"],
        "param_memory": totals["param_bytes"],
        "activations": totals["activations"],
        "traffic": totals["traffic_bytes"],
        "intensity": arithmetic_intensity(cost.whole),
        "top1": entry.published("top1"),
        "top5": entry.published("top5"),
        "latency": entry.published("latency"),
        "size": entry.published("size"),
        "source": entry.spec.published[0].source if entry.spec.published else None,
        "params_fewer": base and _times(base.cost.params, cost.params),
        "madds_fewer": base and _times(base.cost.madds, cost.madds),
    }


def _difference(ours: int, published: Printed | None) -> Fraction | None:
    return Fraction(ours) / published.value - 1 if published and published.value else None


def _times(base: int, ours: int) -> Fraction | None:
    return Fraction(base, ours) if ours else None


def _notes(
    entries: Sequence[Entry],
    convention: Convention,
    columns: Sequence[Column],
    base: Entry | None,
    inplace: bool,
) -> Iterator[str]:
    keys = {column.key for column in columns}
    yield f"{convention.label}: {convention.definition}."
    fields = {field for key, field in PUBLISHED.items() if key in keys}
    printed = (entry.source(field) for entry in entries for field in sorted(fields))
    sources = dict.fromkeys(row.source for row in printed if row is not None)
    if sources:
        yield f"publ.: as printed in {'; '.join(sources)}. diff.: ours against that."
    if keys & {"peak_memory", "param_memory", "traffic", "intensity"}:
        yield f"Memory: fp32, one image{', in place' if inplace else ''}."
    if base is not None:
        yield f"x fewer: than {base.spec.title}."


def _data(entry: Entry, inplace: bool) -> dict[str, Any]:
    """One network for JSON."""
    return {
        "network": entry.spec.title,
        "spec": entry.reference,
        "input": list(entry.spec.input),
        "total": network_totals(entry.cost, inplace=inplace),
        "published": [
            {field: _plain(value) for field, value in row if value is not None}
            for row in entry.spec.published
        ],
    }


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Printed) else value
