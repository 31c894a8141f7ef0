"""The methods paragraph of a report: how everything in it was counted, checked and measured."""

from collections.abc import Sequence
from typing import Any

from antcost.check.comparison import Check
from antcost.cost.convention import Convention
from antcost.cost.device import Device
from antcost.document.writing import environment
from antcost.measure.recording import Recording
from antcost.measure.statistics import LEAST_SESSIONS, LEVEL, by_session
from antcost.reconcile.reasons import FIGURES
from antcost.units import plural
from antcost.version import __version__
from antcost.views.comparison import ComparedNetwork
from antcost.views.entry_latencies import baseline_of, recorded_entries
from antcost.views.measurement_notes import disturbances, how, where
from antcost.views.predictions import guesses, prediction_errors

NAMED, MOST_NAMED = 3, 10
"""So many networks are named where their number would do, too, and where names matter."""

PARTS = {
    "biases": ("conv_bias_elems", "linear_bias_elems"),
    "batch norm": ("norm_elems", "norm_params"),
    "activations": (
        "relu_elems", "relu6_elems", "leaky_relu_elems", "elu_elems", "gelu_elems", "silu_elems",
    ),
    "pooling": (
        "max_pool_in_elems", "avg_pool_in_elems", "avg_pool_out_elems", "avg_pool_window_elems",
        "global_pool_in_elems", "global_pool_out_elems", "pool_padding_elems",
    ),
    "element-wise products": ("multiply_elems",),
}  # fmt: skip
"""What conventions count beside multiply-adds: the counts of each part of a network."""


def methods(
    *,
    entries: Sequence[ComparedNetwork],
    convention: Convention,
    checks: Sequence[Check] = (),
    recording: Recording | None = None,
    device: Device | None = None,
) -> tuple[str, ...]:
    """Return plain sentences that are true of these networks and of what else is passed.

    `entries` are one network or more. Raises AntcostError for a network with a kind of layer that
    the device file does not know.
    """
    printed = [entry for entry in entries if any(map(entry.network.source, FIGURES))]
    templates = environment(listed=_listed, named=_named, plural=plural, tool=_tool, pairs=_pairs)
    text = templates.get_template("methods.txt").render(
        version=__version__,
        entries=entries,
        inputs=_inputs(entries),
        convention=convention,
        free=_free(entries, convention),
        published=[entry.title for entry in printed],
        differing=[entry.title for entry in printed if not _rounds(entry)],
        checks=checks,
        recording=recording,
        **(_measured(entries, recording) if recording else {}),
        device=device,
        **(_predicted(entries, device) if device else {}),
    )
    return tuple(text.rstrip().split("\n"))


def _inputs(entries: Sequence[ComparedNetwork]) -> list[str]:
    """Return every size of an input once, the most common one first."""
    titles: dict[str, list[str]] = {}
    for entry in entries:
        titles.setdefault(str(entry.cost.graph.input), []).append(entry.title)
    if len(titles) == 1:
        return list(titles)
    ordered = sorted(titles.items(), key=lambda item: -len(item[1]))
    return [f"{size} ({_named(each, 'network')})" for size, each in ordered]


def _free(entries: Sequence[ComparedNetwork], convention: Convention) -> list[str]:
    """Return the parts of the networks of which the convention counts nothing at all."""
    counted = {name for term in convention.terms for name in term.counts}
    return [
        part
        for part, names in PARTS.items()
        if not counted & {*names} and any(_has(entry, name) for entry in entries for name in names)
    ]


def _has(entry: ComparedNetwork, count: str) -> bool:
    return bool(getattr(entry.cost.whole.cost, count))


def _rounds(entry: ComparedNetwork) -> bool:
    """Return whether our counts round to the first published figure of each kind."""
    pairs = ((entry.published(field), getattr(entry.cost, field)) for field in FIGURES)
    return all(figure is None or figure.rounds(ours) for figure, ours in pairs)


def _measured(entries: Sequence[ComparedNetwork], recording: Recording) -> dict[str, Any]:
    """Return what the sentences on measured latencies need; no names where all were measured."""
    timed, _ = recorded_entries(entries, recording)
    measured = [entry.title for entry in timed if entry.latency_ps is not None]
    return {
        "measured": measured if len(measured) < len(entries) else [],
        "rounds": len({(visit.session, visit.round) for visit in recording.visits}),
        "sessions": len(by_session(recording.visits)),
        "least_sessions": LEAST_SESSIONS,
        "level": f"{100 * LEVEL:g}",
        "baseline": recording.labels[baseline_of(entries, recording)],
        "how": how(recording),
        "where": where(recording),
        "disturbances": disturbances(recording),
    }


def _predicted(entries: Sequence[ComparedNetwork], device: Device) -> dict[str, Any]:
    predictions = {entry.title: device.predict(entry.cost) for entry in entries}
    return {"errors": prediction_errors(device), "guesses": guesses(predictions)}


def _tool(check: Check) -> str:
    """Return the tool with its version, if that is known."""
    return f"{check.tool.name} {check.version}".rstrip()


def _pairs(checks: Sequence[Check]) -> str:
    pairs = [f"{_tool(check)} for {check.cost.graph.name}" for check in checks]
    return _named(pairs, "pair of tool and network", MOST_NAMED)


def _named(texts: Sequence[str], what: str, most: int = NAMED) -> str:
    """Return the texts, or how many there are."""
    return _listed(texts) if len(texts) <= most else plural(len(texts), what)


def _listed(texts: Sequence[str]) -> str:
    """Return "A", "A and B" or "A, B and C"; with semicolons between those that have commas."""
    *others, last = texts
    if not others:
        return last
    if any("," in text for text in texts):
        return f"{'; '.join(others)}; and {last}"
    return f"{', '.join(others)} and {last}"
