"""Latencies for the entries of a comparison: out of a recording, or predicted for a device."""

from collections.abc import Sequence
from dataclasses import replace

from antcost.cost.device import Prediction
from antcost.measure.recording import Recording, Subject
from antcost.measure.statistics import Latency, latencies
from antcost.tables.table import Interval
from antcost.views.comparison import ComparedNetwork
from antcost.views.latency import interval, latency_notes, picoseconds
from antcost.views.predictions import prediction_notes


def baseline_of(entries: Sequence[ComparedNetwork], recording: Recording) -> int:
    """Return the subject that speed-ups are over: the baseline, or the first of the entries.

    The latter where the baseline is no entry and something was measured of them.
    """
    index = {_identity(subject): i for i, subject in enumerate(recording.subjects)}
    found = [index[key] for key in map(_identity_of, entries) if key in index]
    return recording.baseline if recording.baseline in found or not found else found[0]


def recorded_entries(
    entries: Sequence[ComparedNetwork], recording: Recording, baseline: int | None = None
) -> tuple[list[ComparedNetwork], list[str]]:
    """Return the entries with what was measured of them, if it was, and how it was measured.

    Networks are the same if they have the same name, multiply-adds and parameters.
    """
    rows = {_identity(row.subject): row for row in latencies(recording, baseline)}
    found = [rows.get(_identity_of(entry)) for entry in entries]
    timed = [
        entry if row is None else timed_entry(entry, row)
        for entry, row in zip(entries, found, strict=True)
    ]
    return timed, latency_notes(recording, baseline) if any(found) else []


def _identity(subject: Subject) -> tuple[str, int, int]:
    return subject.title, subject.madds, subject.params


def _identity_of(entry: ComparedNetwork) -> tuple[str, int, int]:
    return entry.title, entry.cost.madds, entry.cost.params


def timed_entry(entry: ComparedNetwork, row: Latency) -> ComparedNetwork:
    """Return the entry with what was measured of it."""
    return replace(entry, latency_ps=picoseconds(row.time_ns), speed_up=interval(row.speed_up))


def predicted_entries(
    entries: Sequence[ComparedNetwork], baseline: ComparedNetwork | None = None
) -> tuple[list[ComparedNetwork], list[str]]:
    """Return the entries with what their device takes, over the baseline or the first of them."""
    base = baseline or entries[0]
    base_ps = _prediction(base).latency_ps or 1
    timed = [_predicted_entry(entry, base_ps) for entry in entries]
    return timed, [
        *prediction_notes({entry.title: _prediction(entry) for entry in entries}),
        f"speed-up: time of {base.title} by time of the network.",
    ]


def _predicted_entry(entry: ComparedNetwork, base_ps: int) -> ComparedNetwork:
    latency_ps = _prediction(entry).latency_ps
    ratio = base_ps / (latency_ps or 1)
    return replace(entry, latency_ps=latency_ps, speed_up=Interval(ratio, ratio, ratio))


def _prediction(entry: ComparedNetwork) -> Prediction:
    assert entry.prediction is not None
    return entry.prediction
