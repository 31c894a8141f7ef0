"""The table of the conventions."""

from antcost.cost.convention import CONVENTIONS, Convention
from antcost.tables.table import Column, Table

COLUMNS: tuple[Column[Convention], ...] = (
    Column("name", "--count", lambda convention: convention.name),
    Column("definition", "what is counted", lambda convention: convention.definition),
    Column("source", "source", lambda convention: convention.source, spare=2),
    Column("versions", "versions", lambda convention: convention.versions or None, spare=1),
)


def conventions_table() -> Table[Convention]:
    """A row a convention."""
    conventions = list(CONVENTIONS.values())
    return Table(
        title=f"{len(conventions)} conventions",
        columns=COLUMNS,
        items=conventions,
        notes=(),
        data=lambda: {
            "conventions": [
                {
                    "name": convention.name,
                    "definition": convention.definition,
                    "source": convention.source,
                    "versions": convention.versions,
                    "terms": [
                        {"name": term.name, "factor": term.factor, "counts": term.counts}
                        for term in convention.terms
                    ],
                }
                for convention in conventions
            ]
        },
    )
