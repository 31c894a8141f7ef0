"""The table of the conventions."""

from typing import Any

from antcost.cost.convention import CONVENTIONS, Convention, Term
from antcost.tables.table import Column, Table

COLUMNS: tuple[Column[Convention], ...] = (
    Column("name", "--count", lambda convention: convention.name),
    Column("definition", "what is counted", lambda convention: convention.definition),
    Column("source", "source", lambda convention: convention.source, spare=2),
    Column("versions", "versions", lambda convention: convention.versions or None, spare=1),
)


def conventions_table() -> Table[Convention]:
    """Return a row for each convention."""
    conventions = list(CONVENTIONS.values())
    return Table(
        title=f"{len(conventions)} conventions",
        columns=COLUMNS,
        items=conventions,
        notes=(),
        rows_key="conventions",
        more={"terms": lambda convention: list(map(_term, convention.terms))},
    )


def _term(term: Term) -> dict[str, Any]:
    return {"name": term.name, "factor": term.factor, "counts": term.counts}
