"""What a report of networks says, and in which order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, count
from pathlib import Path

from antcost.charts.cost import cost_by_kind, cost_by_stage
from antcost.charts.latency import LEAST_NETWORKS, runs_figure, scatter_figure
from antcost.charts.memory import memory_timeline
from antcost.charts.tradeoff import ACCURACIES, AMOUNTS, caption, choices, comparable, tradeoff
from antcost.charts.waterfalls import waterfalls
from antcost.check.comparison import Check
from antcost.cost.convention import Convention
from antcost.cost.device import Device
from antcost.document.contents import Figure, Item, Report, Section, TableItem
from antcost.document.methods import methods
from antcost.document.references import bibliography
from antcost.measure.recording import Recording
from antcost.sources.specs.catalog import SUFFIXES
from antcost.tables.table import Table
from antcost.views.architecture import architecture_table
from antcost.views.checks import bridge_table, checks_table
from antcost.views.comparison import ComparedNetwork, compare_table
from antcost.views.entry_latencies import baseline_of, predicted_entries, recorded_entries
from antcost.views.latency import latency_table
from antcost.views.memory import peak_table
from antcost.views.network import network_table
from antcost.views.predictions import PredictedNetwork, predictions_table

COMPARISON = "comparison"
LONGEST_STEM = 80


@dataclass(frozen=True, slots=True)
class Findings:
    """What a report is made from.

    Checks are those of all entries; a device has predicted the latencies of all entries, and a
    recording has those of some. A `summary` has no sections of single networks.
    """

    entries: tuple[ComparedNetwork, ...]
    convention: Convention
    checks: tuple[Check, ...] = ()
    recording: Recording | None = None
    device: Device | None = None
    summary: bool = False

    def timed(
        self, entries: Sequence[ComparedNetwork]
    ) -> tuple[Sequence[ComparedNetwork], list[str]]:
        """Return entries with their latencies, and notes on how these were found."""
        if self.recording is not None:
            base = baseline_of(self.entries, self.recording)
            return recorded_entries(entries, self.recording, base)
        if self.device is not None:
            return predicted_entries(entries)
        return entries, []

    @property
    def keyed(self) -> list[tuple[ComparedNetwork, str]]:
        """Return each entry that has a section with its key: the stem of its file, made unique.

        No two keys differ in their case alone, which some file systems do not tell apart.
        """
        if self.summary:
            return []
        keys: dict[str, str] = {}
        for entry in self.entries:
            stem = _stem(entry.reference)
            numbered = (f"{stem}_{number}" for number in count(2))
            key = next(key for key in chain([stem], numbered) if key.lower() not in keys)
            keys[key.lower()] = key
        return list(zip(self.entries, keys.values(), strict=True))

    def about(self, table: Table[ComparedNetwork]) -> tuple[str | None, ...]:
        """Return for each row of a comparison the key of the network's section."""
        keys = {entry.reference: section_key(key) for entry, key in self.keyed}
        return tuple(keys.get(entry.reference) for entry in table.items)


def section_key(key: str) -> str:
    """Return the key of a network's section, which no other section can have."""
    return f"network-{key}"


def _stem(reference: str) -> str:
    """Return the name of a shipped network or file, as a file can be called everywhere."""
    path = Path(reference)
    name = path.stem if path.suffix in SUFFIXES else reference
    return re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip("._-")[:LONGEST_STEM] or "network"


def title_of(findings: Findings) -> str:
    """Return the title of a report that is given none."""
    names = [entry.title for entry in findings.entries]
    return f"What {names[0]} costs" if len(names) == 1 else f"What {len(names)} networks cost"


def report_of(title: str, findings: Findings, opening: Sequence[Section] = ()) -> Report:
    """Return the report of networks.

    `opening` stands first, in place of the comparison of all networks.
    """
    entries = findings.entries
    comparison = comparison_items(COMPARISON, title_of(findings), findings, entries)
    by_kind = Figure(
        "cost_by_kind",
        "What kinds of layers the cost of each network is in.",
        partial(cost_by_kind, entries),
    )
    sentences = methods(
        entries=entries,
        convention=findings.convention,
        checks=findings.checks,
        recording=findings.recording,
        device=findings.device,
    )
    sections = (
        *(opening or [Section(COMPARISON, "Comparison", tuple(comparison))]),
        Section("cost", "Where the cost goes", (by_kind,)),
        *_tradeoffs(findings),
        *_latencies(findings),
        *_checks(findings),
        Section("methods", "Methods", (" ".join(sentences),)),
        *(
            Section(section_key(key), entry.title, tuple(_network(entry, key, findings)), True)
            for entry, key in findings.keyed
        ),
    )
    references = [entry.reference for entry in entries]
    return Report(title, sections, bibliography(_sources(findings), references))


def _sources(findings: Findings) -> Iterator[str]:
    """Yield the sources of a report: where figures were published, and the tools that were used."""
    yield from (row.source for entry in findings.entries for row in entry.network.published)
    yield from (check.tool.name for check in findings.checks)
    if findings.recording is not None:
        yield findings.recording.engine
    yield from ("antcost", "Altair", "Vega-Lite")


def comparison_items(
    key: str,
    title: str,
    findings: Findings,
    entries: Sequence[ComparedNetwork],
    columns: Sequence[str] = (),
) -> Iterator[Item]:
    """Yield networks side by side, and why published figures differ from ours, where they do."""
    timed, notes = findings.timed(entries)
    table = compare_table(timed, findings.convention, columns=columns, latency_notes=notes)
    yield TableItem(key, replace(table, title=title), findings.about(table))
    reasons = compare_table(timed, findings.convention, published=True)
    if any(entry.reason for entry in reasons.items):
        reasons = replace(reasons, title=f"{title}: why ours is not what was published")
        yield TableItem(f"{key}_published", reasons, findings.about(reasons))


def _tradeoffs(findings: Findings) -> Iterator[Section]:
    """Yield cost against accuracy, for each set of networks whose accuracies are comparable."""
    timed, _ = findings.timed(findings.entries)
    found = ["Latency is measured." if findings.recording else "Latency is predicted."]
    groups = [group for group in comparable(timed) if choices(group)]
    for number, group in enumerate(groups, start=1):
        key = "tradeoff" if number == 1 else f"tradeoff_{number}"
        task = f", {group[0].network.classes} classes" if len(groups) > 1 else ""
        figures = tuple(
            Figure(
                f"{key}_{x}_{y}",
                " ".join([caption(group, x, y), *(found if x == "latency" else ())]),
                partial(tradeoff, group, x, y),
                axes=(AMOUNTS[x].label, ACCURACIES[y]),
                spare=y != "top1",
            )
            for x, y in choices(group)
        )
        yield Section(key, f"Cost and accuracy{task}", figures)


def _latencies(findings: Findings) -> Iterator[Section]:
    if findings.recording is not None:
        yield Section(
            "latency", "Latency, measured", tuple(_measured(findings.entries, findings.recording))
        )
    predicted = [
        PredictedNetwork(entry.network, entry.prediction)
        for entry in findings.entries
        if entry.prediction is not None
    ]
    if predicted:
        table = TableItem("latency_predicted", predictions_table(predicted))
        yield Section("latency_predicted", "Latency, predicted", (table,))


def _measured(entries: Sequence[ComparedNetwork], recording: Recording) -> Iterator[Item]:
    base = baseline_of(entries, recording)
    yield TableItem("latency", latency_table(recording, baseline=base))
    caption = "How the times of all runs are distributed. Lines: what the table says."
    yield Figure("latency_runs", caption, lambda: runs_figure(recording, baseline=base))
    if len(recording.shown) >= LEAST_NETWORKS:
        caption = "Time against multiply-adds, traffic and parameters."
        yield Figure("latency_scatter", caption, lambda: scatter_figure(recording, baseline=base))


def _checks(findings: Findings) -> Iterator[Section]:
    """Yield the counts of other tools, if they were asked."""
    if findings.checks:
        keys = {id(entry.cost): section_key(key) for entry, key in findings.keyed}
        about = tuple(keys.get(id(check.cost)) for check in findings.checks)
        table = TableItem("checks", checks_table(findings.checks), about, exact=True)
        yield Section("checks", "What other tools count", (table,))


def _network(entry: ComparedNetwork, key: str, findings: Findings) -> Iterator[Item]:
    """Yield the tables and figures of one network."""
    convention, cost, title = findings.convention, entry.cost, entry.title
    if entry.network.spec is not None:
        table = architecture_table(entry.network.spec, cost, convention)
        yield TableItem(f"{key}_architecture", replace(table, title=f"{title}: architecture"))
    caption = f"{title}: where the cost is, stage by stage."
    yield Figure(f"{key}_stages", caption, partial(cost_by_stage, cost))
    by_kind = network_table(cost, convention, by="kind", device=findings.device)
    yield TableItem(f"{key}_kinds", replace(by_kind, title=f"{title}: by kind of layer"))
    caption = f"{title}: activations alive while the layers run in order."
    yield Figure(f"{key}_memory", caption, partial(memory_timeline, cost))
    yield TableItem(f"{key}_peak", peak_table(cost))
    checks = [check for check in findings.checks if check.cost is cost and check.whole]
    if checks:
        yield TableItem(f"{key}_bridges", bridge_table(checks), exact=True)
        caption = f"{cost.graph.name}: from our multiply-adds to the number of each tool."
        yield Figure(f"{key}_waterfalls", caption, partial(waterfalls, checks))
    layers = network_table(cost, convention, device=findings.device)
    yield TableItem(f"{key}_layers", replace(layers, title=f"{title}: by layer"), long=True)
