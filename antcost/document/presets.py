"""Reports that can be asked for by name: the tables of a paper, ours beside what was printed."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

from antcost.document.compose import Findings, comparison_items
from antcost.document.contents import Exhibit, Item, Section
from antcost.errors import AntcostError, suggest
from antcost.reconcile.reasons import LABELS
from antcost.sources.specs.catalog import shipped_folder
from antcost.tables.table import Column, Table
from antcost.units import plural
from antcost.views.architecture import architecture_table
from antcost.views.comparison import Entry


@dataclass(frozen=True, slots=True)
class Claim:
    """What a source says of a cost of a network, as a change from another network's."""

    source: str
    network: str
    base: str
    count: Literal["params", "madds"]
    printed: str


@dataclass(frozen=True, slots=True)
class Part:
    """A table of the paper, and the source whose published figures stand beside ours.

    `architecture` is for the table that describes them; `claims` are what is said of them
    elsewhere, and `remarks` what a reader has to know.
    """

    number: int
    heading: str
    networks: tuple[str, ...]
    source: str
    columns: tuple[str, ...] = ()
    architecture: bool = False
    claims: tuple[Claim, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"table{self.number}"

    @property
    def title(self) -> str:
        """What its tables are called, where LaTeX gives them a number of its own."""
        return f"{self.heading} (ANTNets, Table {self.number})"


@dataclass(frozen=True, slots=True)
class Preset:
    """A report: what it is called, the tables of its paper, and what was measured for it."""

    title: str
    parts: tuple[Part, ...]
    measured: str

    @property
    def recording(self) -> Path:
        """The file of what was measured: inside an installed package, beside it in a checkout."""
        return shipped_folder().parent / "reports" / self.measured

    @property
    def networks(self) -> list[str]:
        """The networks of all parts, each once."""
        return list(dict.fromkeys(name for part in self.parts for name in part.networks))


_ABSTRACT = ("ANTNets, abstract", "cifar100/antnet_g2", "cifar100/mobilenet_v2")
_UNKNOWN = "The costs that the paper prints in this table were not at hand:"

_ANTNETS = (
    Part(
        2,
        "The architecture of ANTNet",
        ("antnet_g1",),
        "ANTNets",
        architecture=True,
        remarks=("Rows and letters are those of the paper, params and MAdds of each stage ours.",),
    ),
    Part(
        3,
        "CIFAR100",
        (
            "cifar100/shufflenet_1.5x",
            "cifar100/mobilenet_v2",
            "cifar100/antnet_g1",
            "cifar100/antnet_g2",
            "cifar100/e_antnet",
        ),
        "ANTNets",
        claims=(
            Claim(*_ABSTRACT, "params", "-8.3 %"),
            Claim(*_ABSTRACT, "madds", "-19.6 %"),
        ),
        remarks=(f"{_UNKNOWN} published figures are those of its Table 5 and of its abstract.",),
    ),
    Part(
        4,
        "The place of the channel attention, CIFAR100",
        (
            "cifar100/se_mobilenet_v2",
            "cifar100/c_antnet",
            "cifar100/antnet_c",
            "cifar100/antnet_g1",
        ),
        "ANTNets",
        remarks=(f"{_UNKNOWN} published figures are those of its Table 5.",),
    ),
    Part(
        5,
        "The reduction ratio, CIFAR100",
        (
            "cifar100/antnet_r8",
            "cifar100/antnet_r16",
            "cifar100/antnet_r32",
            "cifar100/antnet_g1",
        ),
        "ANTNets, Table 5",
    ),
    Part(
        7,
        "ImageNet",
        (
            "mobilenet_v1",
            "squeezenext",
            "shufflenet_1.5x",
            "shufflenet_2x",
            "condensenet_g4",
            "condensenet_g8",
            "mobilenet_v2",
            "mobilenet_v2_1.4",
            "nasnet_a_mobile",
            "amoebanet_a_mobile",
            "pnasnet5_mobile",
            "darts_v1",
            "antnet_g1",
            "antnet_g2",
            "e_antnet",
            "antnet_1.4",
        ),
        "ANTNets, Table 7",
    ),
    Part(
        8,
        "Size and latency",
        ("mobilenet_v2", "antnet_g1", "antnet_g2"),
        "ANTNets, Table 8",
        columns=("network", "madds", "coreml_size", "latency", "speed_up", "latency_published"),
        remarks=(
            "The machines are not the same, so that only ratios of latencies can be compared.",
        ),
    ),
)

PRESETS = {
    "antnets": Preset("The tables of the ANTNets paper, counted again", _ANTNETS, "table8.json")
}


def find_preset(name: str) -> Preset:
    """The preset of this name. Raises AntcostError if there is none."""
    if name not in PRESETS:
        raise AntcostError(f"--preset: no report {name!r}; {suggest(name, PRESETS)}")
    return PRESETS[name]


def preset_sections(preset: Preset, findings: Findings) -> list[Section]:
    """The tables of the paper. Raises AntcostError if one of their networks is missing."""
    entries = {entry.reference: entry for entry in findings.entries}
    missing = len(preset.networks) - len(entries)
    if missing:
        raise AntcostError(f"{preset.title}: not without {plural(missing, 'network')} that failed")
    return [
        Section(
            part.key,
            f"Table {part.number}: {part.heading}",
            (*part.remarks, *_items(part, findings, [entries[name] for name in part.networks])),
        )
        for part in preset.parts
    ]


def _items(part: Part, findings: Findings, entries: Sequence[Entry]) -> Iterator[Item]:
    if part.architecture:
        for entry in entries:
            assert entry.network.spec is not None
            table = architecture_table(entry.network.spec, entry.cost, findings.convention)
            yield Exhibit(part.key, replace(table, title=part.title))
        return
    sourced = [_from_source(entry, part.source) for entry in entries]
    if "latency" not in part.columns:
        findings = replace(findings, recording=None, device=None)
    yield from comparison_items(part.key, part.title, findings, sourced, part.columns)
    if part.claims:
        yield Exhibit(f"{part.key}_claims", _claims_table(part.claims, entries))


def _from_source(entry: Entry, source: str) -> Entry:
    """The entry with the published figures of one source alone."""
    rows = tuple(row for row in entry.network.published if source in row.source)
    return replace(entry, network=replace(entry.network, published=rows))


def _claims_table(claims: Sequence[Claim], entries: Sequence[Entry]) -> Table[Claim]:
    """What a source says of a cost beside what it is in ours."""
    costs = {entry.reference: entry.cost for entry in entries}
    titles = {entry.reference: entry.title for entry in entries}

    def ours(claim: Claim) -> Fraction:
        counts = (getattr(costs[name], claim.count) for name in (claim.network, claim.base))
        return Fraction(*counts) - 1

    return Table(
        title="What the source says of two networks",
        columns=(
            Column("network", "network", lambda claim: titles[claim.network]),
            Column("base", "against", lambda claim: titles[claim.base]),
            Column("count", "count", lambda claim: LABELS[claim.count]),
            Column("printed", "publ.", lambda claim: claim.printed, "change"),
            Column("ours", "ours", ours, "change"),
        ),
        items=claims,
        notes=tuple(dict.fromkeys(f"publ.: as printed in {claim.source}." for claim in claims)),
        data=lambda: {
            "claims": [{**asdict(claim), "ours": float(ours(claim))} for claim in claims]
        },
    )
