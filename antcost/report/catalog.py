"""The table of the networks that ship with the package."""

from antcost.blocks.build import load
from antcost.report.table import Column, Table
from antcost.spec.catalog import shipped_names

COLUMNS = (
    Column("name", "name"),
    Column("network", "network"),
    Column("input", "input"),
    Column("classes", "classes"),
    Column("source", "published in", spare=1),
)


def catalog_table() -> Table:
    """A row a shipped network, under the name that every command finds it by."""
    rows = []
    for name in shipped_names():
        spec = load(name)
        rows.append(
            {
                "name": name,
                "network": spec.name,
                "input": "x".join(map(str, spec.input)),
                "classes": str(spec.classes),
                "source": "; ".join(row.source for row in spec.published),
            }
        )
    return Table(
        title=f"{len(rows)} networks ship with antcost",
        columns=COLUMNS,
        rows=tuple(rows),
        data={"networks": rows},
        notes=(),
        hints=("Their costs: antcost table NAME, antcost compare NAME...",),
    )
