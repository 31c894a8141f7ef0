"""The table of the networks that ship with the package."""

from antcost.graph.shape import Shape
from antcost.sources.specs.catalog import shipped_names
from antcost.sources.specs.load import load
from antcost.sources.specs.model import NetSpec
from antcost.tables.table import Column, Table

ShippedSpec = tuple[str, NetSpec]

COLUMNS: tuple[Column[ShippedSpec], ...] = (
    Column("name", "name", lambda entry: entry[0]),
    Column("network", "network", lambda entry: entry[1].name),
    Column("input", "input", lambda entry: Shape(entry[1].input)),
    Column("classes", "classes", lambda entry: str(entry[1].classes)),
    Column("published", "published in", lambda entry: "; ".join(_sources(entry[1])), spare=1),
)


def catalog_table() -> Table[ShippedSpec]:
    """Return a row for each shipped network, under the name that commands find it by."""
    entries = [(name, load(name)) for name in shipped_names()]
    return Table(
        title=f"{len(entries)} networks ship with antcost",
        columns=COLUMNS,
        items=entries,
        notes=(),
        hints=("Their costs: antcost table NAME, antcost compare NAME...",),
        rows_key="networks",
        more={
            "classes": lambda entry: entry[1].classes,
            "published": lambda entry: _sources(entry[1]),
        },
    )


def _sources(spec: NetSpec) -> list[str]:
    return [row.source for row in spec.published]
