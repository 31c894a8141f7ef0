"""Reports that can be asked for by name: the tables of a paper, ours beside what was printed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

from pydantic import Field

from antcost.document.compose import Findings, comparison_items
from antcost.document.contents import Item, Section, TableItem
from antcost.errors import AntcostError, suggest
from antcost.reconcile.reasons import LABELS
from antcost.sources.specs.catalog import shipped_folder
from antcost.tables.table import Column, Table
from antcost.units import plural
from antcost.views.architecture import architecture_table
from antcost.views.comparison import ComparedNetwork
from antcost.yamlfile.document import read_document
from antcost.yamlfile.fields import Fields, Text

_PAPERS = Path(__file__).with_name("papers")


class Claim(Fields):
    """A change of a network's cost from another network's, as a source states it."""

    source: Text
    network: Text
    base: Text
    count: Literal["params", "madds"]
    printed: Text


class PaperTable(Fields):
    """A table of a paper; the figures that `source` published stand beside ours.

    `architecture` is for the table that describes its one network. `claims` are what is said of
    the networks elsewhere, and `remarks` sentences for the reader.
    """

    number: int
    heading: Text
    networks: list[Text]
    source: str = ""
    columns: list[Text] = Field([])
    architecture: bool = False
    claims: list[Claim] = Field([])
    remarks: list[Text] = Field([])

    @property
    def key(self) -> str:
        return f"table{self.number}"


class Preset(Fields):
    """A report on a paper: its title and tables, and the file of what was measured, if any."""

    title: Text
    name: Text
    recording: Text | None = None
    tables: list[PaperTable]

    @property
    def recording_path(self) -> Path | None:
        """The recording: inside an installed package, beside it in a checkout."""
        return shipped_folder().parent / "reports" / self.recording if self.recording else None

    @property
    def networks(self) -> list[str]:
        """The networks of all tables, each once."""
        return list(dict.fromkeys(name for table in self.tables for name in table.networks))


def find_preset(name: str) -> Preset:
    """Return the preset of this name. Raises AntcostError if there is none."""
    paths = {path.stem: path for path in _PAPERS.glob("*.yaml")}
    if name not in paths:
        raise AntcostError(f"--preset: no report {name!r}; {suggest(name, paths)}")
    return Preset.model_validate(read_document(paths[name]).tree)


def preset_sections(preset: Preset, findings: Findings) -> list[Section]:
    """Return the tables of the paper. Raises AntcostError if one of their networks is missing."""
    entries = {entry.reference: entry for entry in findings.entries}
    missing = len(preset.networks) - len(entries)
    if missing:
        raise AntcostError(f"{preset.title}: not without {plural(missing, 'network')} that failed")
    sections = []
    for table in preset.tables:
        title = f"{table.heading} ({preset.name}, Table {table.number})"
        items = _items(table, title, findings, [entries[name] for name in table.networks])
        heading = f"Table {table.number}: {table.heading}"
        sections.append(Section(table.key, heading, (*table.remarks, *items)))
    return sections


def _items(
    printed: PaperTable, title: str, findings: Findings, entries: Sequence[ComparedNetwork]
) -> Iterator[Item]:
    if printed.architecture:
        (entry,) = entries
        assert entry.network.spec is not None
        table = architecture_table(entry.network.spec, entry.cost, findings.convention)
        yield TableItem(printed.key, replace(table, title=title))
        return
    if "latency" not in printed.columns:
        findings = replace(findings, recording=None, device=None)
    sourced = [_with_source(entry, printed.source) for entry in entries]
    yield from comparison_items(printed.key, title, findings, sourced, printed.columns)
    if printed.claims:
        yield TableItem(f"{printed.key}_claims", _claims_table(printed.claims, entries))


def _with_source(entry: ComparedNetwork, source: str) -> ComparedNetwork:
    """Return the entry with the published figures of one source alone."""
    rows = tuple(row for row in entry.network.published if source in row.source)
    return replace(entry, network=replace(entry.network, published=rows))


def _claims_table(claims: Sequence[Claim], entries: Sequence[ComparedNetwork]) -> Table[Claim]:
    """Return the claims of a source beside the change of our counts."""
    by_name = {entry.reference: entry for entry in entries}

    def ours(claim: Claim) -> Fraction:
        network, base = (by_name[name].cost for name in (claim.network, claim.base))
        return Fraction(getattr(network, claim.count), getattr(base, claim.count)) - 1

    return Table(
        title="What the source says of two networks",
        columns=(
            Column("network", "network", lambda claim: by_name[claim.network].title),
            Column("base", "against", lambda claim: by_name[claim.base].title),
            Column("count", "count", lambda claim: LABELS[claim.count]),
            Column("printed", "publ.", lambda claim: claim.printed, "change"),
            Column("ours", "ours", ours, "change"),
        ),
        items=claims,
        notes=tuple(dict.fromkeys(f"publ.: as printed in {claim.source}." for claim in claims)),
        more={
            "network": lambda claim: claim.network,
            "base": lambda claim: claim.base,
            "count": lambda claim: claim.count,
            "source": lambda claim: claim.source,
        },
        rows_key="claims",
    )
