"""The tables of a gate: every budget of every network, and the layers that changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from antcost.cost.convention import CONVENTIONS
from antcost.cost.device import Device
from antcost.cost.gate import Verdict
from antcost.cost.measures import format_measure
from antcost.sources.network import Network
from antcost.tables.formats import render
from antcost.tables.table import Column, Table
from antcost.units import Printed, plural
from antcost.views.difference import difference_table
from antcost.views.network import definitions
from antcost.views.predictions import latency_note

MADDS = CONVENTIONS["madds"]
FOLD_FROM = 10
"""Changed layers from which on markdown folds them away."""

COMMENT_CHARS = 65_536
"""What a comment on GitHub may have."""

NAMED = 10
NOTE_CHARS = 100
"""So many tables are named that a comment has no room for, with so much beside their titles."""


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


def gate_tables(
    results: Sequence[GateResult],
    *,
    unread: int = 0,
    compared: bool = False,
    device: Device | None = None,
    exact: bool = False,
) -> list[Table[Any]]:
    """A row for each budget of each network, those that fail first; then the layers that changed.

    `unread` specs could not be judged; `compared` if there is a base to compare with, which new
    networks do not have.
    """
    lines = [(result, verdict) for result in results for verdict in result.verdicts]
    differences = {
        result.network.reference: _difference(result.network, result.base, device)
        for result in results
        if result.base is not None
    }
    main = Table(
        title=_title(results, lines, unread),
        columns=_columns(len(results) > 1, compared, exact),
        items=sorted(lines, key=lambda line: line[1].holds),
        notes=_notes(results, lines, compared, device),
        data=lambda: {
            "holds": not unread and all(result.holds for result in results),
            "unread": unread,
            "networks": [_data(result, differences) for result in results],
        },
    )
    return [main, *(table for table in differences.values() if table.items)]


def fit_comment(tables: Sequence[Table[Any]], exact: bool) -> list[Table[Any]]:
    """The tables that a comment on GitHub has room for; a note says which it has not."""
    main, *details = tables
    chars = [len(render(table, "markdown", exact=exact)) + len("\n\n") for table in tables]
    room = COMMENT_CHARS - chars[0]
    if sum(chars[1:]) > room:
        longest = max(len(table.title) for table in details)
        room -= 2 * min(NAMED, len(details)) * longest + NOTE_CHARS
    shown, left_out = [], []
    for table, size in zip(details, chars[1:], strict=True):
        if size <= room:
            shown.append(table)
            room -= size
        else:
            left_out.append(table)
    if left_out:
        main = replace(main, notes=(*main.notes, _too_long(left_out)))
    return [main, *shown]


def _too_long(tables: Sequence[Table[Any]]) -> str:
    titles = [table.title for table in tables[:NAMED]]
    others = [f"{len(tables) - NAMED} others"] if len(tables) > NAMED else []
    return f"Too long for a comment: {'; '.join([*titles, *others])}."


def _title(results: Sequence[GateResult], lines: Sequence[BudgetRow], unread: int) -> str:
    """For example: Failed: 3 of 4 budgets hold for 2 networks; 1 spec cannot be read."""
    held = sum(verdict.holds for _, verdict in lines)
    word = "Passed" if held == len(lines) and not unread else "Failed"
    named = results[0].network.title if len(results) == 1 else plural(len(results), "network")
    rest = f"; {plural(unread, 'spec')} cannot be read" if unread else ""
    return f"{word}: {held} of {len(lines)} budgets hold for {named}{rest}"


def _columns(several: bool, compared: bool, exact: bool) -> tuple[Column[BudgetRow], ...]:
    """The verdict first, so that no line starts with a text from a spec."""

    def printed(count: int | None, verdict: Verdict) -> Printed | None:
        if count is None:
            return None
        sign = "-" if count < 0 else ""
        text = sign + format_measure(verdict.bound.measure, abs(count), exact)
        return Printed(text, Fraction(count), Fraction(1))

    columns: tuple[Column[BudgetRow], ...] = (
        Column("verdict", "verdict", lambda line: "holds" if line[1].holds else "fails"),
        Column("spec", "spec", lambda line: line[0].network.reference),
        Column("cost", "cost", lambda line: line[1].bound.measure.label),
        Column("budget", "budget", lambda line: line[1].bound.text),
        Column("before", "before", lambda line: printed(line[1].before, line[1]), "count", 2),
        Column("value", "value", lambda line: printed(line[1].count, line[1]), "count"),
        Column("change", "change", lambda line: line[1].change, "change", 1),
        Column("headroom", "headroom", lambda line: printed(line[1].headroom, line[1]), "count"),
    )
    hidden = (*(() if several else ("spec",)), *(() if compared else ("before", "change")))
    return tuple(column for column in columns if column.key not in hidden)


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
    """The layers that changed from the base, and by how much.

    The title has how both were referred to, as their names may be the same.
    """
    table = difference_table(base.cost, network.cost, MADDS, device=device)
    names = f"{base.reference} (A) to {network.reference} (B)"
    return replace(
        table,
        title=f"{plural(len(table.items), 'layer')} changed from {names}",
        columns=[column for column in table.columns if not column.key.endswith(("_a", "_b"))],
        folded=len(table.items) >= FOLD_FROM,
        hints=(),
    )


def _data(result: GateResult, differences: dict[str, Table[Any]]) -> dict[str, Any]:
    """One network for JSON: exact integers, and changes as decimals."""
    compared = (
        {
            "against": result.base.reference,
            "difference": differences[result.network.reference].data(),
        }
        if result.base is not None
        else {}
    )
    return {
        "network": result.network.title,
        "spec": result.network.reference,
        "holds": result.holds,
        "budgets": [_verdict_data(verdict) for verdict in result.verdicts],
        **compared,
    }


def _verdict_data(verdict: Verdict) -> dict[str, Any]:
    before = {} if verdict.before is None else {"before": verdict.before}
    change = {} if verdict.change is None else {"change": float(verdict.change)}
    return {
        "measure": verdict.bound.measure.name,
        "budget": verdict.bound.text,
        "limit": verdict.bound.limit,
        "lower": verdict.bound.lower,
        **before,
        "value": verdict.count,
        **change,
        "headroom": verdict.headroom,
        "holds": verdict.holds,
    }
