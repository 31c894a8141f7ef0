"""The tables of a gate: every budget of every network, and the layers that changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from antcost.cost.convention import CONVENTIONS
from antcost.cost.device import Device
from antcost.cost.gate import Verdict
from antcost.sources.network import Network
from antcost.tables.formats import render
from antcost.tables.table import Column, Quantity, Table, record
from antcost.units import plural
from antcost.views.difference import difference_table
from antcost.views.network import definitions
from antcost.views.predictions import latency_note

MADDS = CONVENTIONS["madds"]
FOLD_FROM = 10
"""Changed layers from which on markdown folds them away."""

COMMENT_CHARS = 65_536
"""What a comment on GitHub may have."""

NOTE_CHARS = 100
"""What is kept free for the note on what a comment has no room for."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """A network, the one that it is compared with, and whether it is within its budgets."""

    network: Network
    base: Network | None
    verdicts: tuple[Verdict, ...]

    @property
    def holds(self) -> bool:
        return all(verdict.holds for verdict in self.verdicts)


BudgetRow = tuple[GateResult, Verdict]


def _quantity(count: int | None, verdict: Verdict) -> Quantity | None:
    return None if count is None else Quantity(count, verdict.bound.measure.unit)


COLUMNS: tuple[Column[BudgetRow], ...] = (
    Column("verdict", "verdict", lambda line: "holds" if line[1].holds else "fails"),
    Column("spec", "spec", lambda line: line[0].network.reference),
    Column("cost", "cost", lambda line: line[1].bound.measure.label),
    Column("budget", "budget", lambda line: line[1].bound.text),
    Column("before", "before", lambda line: _quantity(line[1].before, line[1]), "count", 2),
    Column("value", "value", lambda line: _quantity(line[1].count, line[1]), "count"),
    Column("change", "change", lambda line: line[1].change, "change", 1),
    Column("headroom", "headroom", lambda line: _quantity(line[1].headroom, line[1]), "count"),
)
"""The verdict first, so that no line starts with a text from a spec."""

MORE: Mapping[str, Callable[[BudgetRow], Any]] = {
    "measure": lambda line: line[1].bound.measure.name,
    "limit": lambda line: line[1].bound.limit,
    "lower": lambda line: line[1].bound.lower,
    "holds": lambda line: line[1].holds,
}


def gate_tables(
    results: Sequence[GateResult],
    *,
    unread: int = 0,
    compared: bool = False,
    device: Device | None = None,
) -> list[Table[Any]]:
    """Return a row for each budget of each network, failures first; then the changed layers.

    `unread` specs could not be judged; `compared` if there is a base to compare with, which new
    networks do not have.
    """
    lines = [(result, verdict) for result in results for verdict in result.verdicts]
    hidden = {*(() if len(results) > 1 else ("spec",)), *(() if compared else ("before", "change"))}
    differences = {
        result.network.reference: _difference(result.network, result.base, device)
        for result in results
        if result.base is not None
    }
    main = Table(
        title=_title(results, lines, unread),
        columns=[column for column in COLUMNS if column.key not in hidden],
        items=sorted(lines, key=lambda line: line[1].holds),
        notes=_notes(results, lines, compared, device),
        facts={
            "holds": not unread and all(result.holds for result in results),
            "unread": unread,
            "networks": [
                _record(result, differences.get(result.network.reference)) for result in results
            ],
        },
        rows_key=None,
    )
    return [main, *(table for table in differences.values() if table.items)]


def fit_comment(tables: Sequence[Table[Any]], exact: bool) -> list[Table[Any]]:
    """Return the first tables that a comment on GitHub has room for; a note counts the others."""
    main, *details = tables
    ends = accumulate(len(render(table, "markdown", exact=exact)) + len("\n\n") for table in tables)
    fitting = sum(end <= COMMENT_CHARS - NOTE_CHARS for end in list(ends)[1:])
    if fitting == len(details):
        return [*tables]
    left_out = plural(len(details) - fitting, "table")
    note = f"Too long for a comment: {left_out} of changed layers."
    return [replace(main, notes=(*main.notes, note)), *details[:fitting]]


def _title(results: Sequence[GateResult], lines: Sequence[BudgetRow], unread: int) -> str:
    """Write "Failed: 3 of 4 budgets hold for 2 networks; 1 spec cannot be read"."""
    held = sum(verdict.holds for _, verdict in lines)
    word = "Passed" if held == len(lines) and not unread else "Failed"
    named = results[0].network.title if len(results) == 1 else plural(len(results), "network")
    rest = f"; {plural(unread, 'spec')} cannot be read" if unread else ""
    return f"{word}: {held} of {len(lines)} budgets hold for {named}{rest}"


def _notes(
    results: Sequence[GateResult], lines: Sequence[BudgetRow], compared: bool, device: Device | None
) -> tuple[str, ...]:
    measures = {verdict.bound.measure.name: verdict.bound.measure for _, verdict in lines}
    bases = dict.fromkeys(result.base.reference for result in results if result.base)
    new = [result.network.reference for result in results if compared and result.base is None]
    in_bytes = [measure.label for measure in measures.values() if measure.unit == "bytes"]
    return (
        *(definitions(set(), MADDS) if "madds" in measures else []),
        *([f"{', '.join(in_bytes).capitalize()}: fp32, one image."] if in_bytes else []),
        *([latency_note(device)] if device else []),
        *([f"before: {next(iter(bases))}."] if len(bases) == 1 else []),
        *([f"New, with nothing to compare with: {', '.join(new)}."] if new else []),
    )


def _difference(network: Network, base: Network, device: Device | None) -> Table[Any]:
    """Return the layers that changed from the base, and by how much.

    The title has how both were referred to, as their names may be the same.
    """
    table = difference_table(base.cost, network.cost, MADDS, device=device)
    left_out = [column for column in table.columns if column.key.endswith(("_a", "_b"))]
    names = f"{base.reference} (A) to {network.reference} (B)"
    return replace(
        table,
        title=f"{plural(len(table.items), 'layer')} changed from {names}",
        columns=[column for column in table.columns if column not in left_out],
        more={column.key: column.value for column in left_out},
        folded=len(table.items) >= FOLD_FROM,
        hints=(),
    )


def _record(result: GateResult, difference: Table[Any] | None) -> dict[str, Any]:
    """Return one network for JSON; the difference from its base if it has one."""
    return {
        "network": result.network.title,
        "spec": result.network.reference,
        "holds": result.holds,
        "budgets": [record((result, each), COLUMNS, MORE) for each in result.verdicts],
        **({"against": result.base.reference} if result.base else {}),
        **({"difference": difference.plain()} if difference else {}),
    }
