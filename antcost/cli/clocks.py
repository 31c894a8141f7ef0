"""Latencies for the entries of a comparison: measured, or predicted for a device."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from antcost.cli.measuring import completed, measured
from antcost.cost.device import Prediction
from antcost.measure.engines import DEFAULT, Settings, find_engine
from antcost.measure.recording import subject_of
from antcost.measure.statistics import latencies
from antcost.measure.timing import Candidate, Goal
from antcost.report.comparison import Entry
from antcost.report.latency import interval, latency_notes, picoseconds
from antcost.report.predictions import prediction_notes
from antcost.units import format_times


def measured_entries(
    entries: Sequence[Entry], baseline: Entry | None
) -> tuple[list[Entry], list[str], bool]:
    """The entries with what antcost latency measures by default, how it did, and if it could end.

    Their speed-ups are over the baseline, the first of several, or the reference network.
    """
    settings = Settings()
    asked = [_candidate(entry) for entry in entries]
    others = [] if baseline is None or baseline in entries else [_candidate(baseline)]
    candidates, base, reference = completed([*asked, *others], None, None, settings)
    if baseline is not None:
        base = len(entries) if others else list(entries).index(baseline)
    engine = find_engine(DEFAULT, settings)
    recording = measured(candidates, engine, settings, Goal(), 0, base, reference)
    rows = {row.index: row for row in latencies(recording)}
    timed = [
        replace(
            entry,
            latency_ps=picoseconds(rows[number].time_ns),
            speed_up=interval(rows[number].speed_up),
        )
        for number, entry in enumerate(entries)
    ]
    return timed, latency_notes(recording), recording.stopped != "interrupted"


def predicted_entries(
    entries: Sequence[Entry], baseline: Entry | None
) -> tuple[list[Entry], list[str]]:
    """The entries with what their device takes, over the baseline or the first of them."""
    base = _prediction(baseline or entries[0])
    timed = [
        replace(
            entry,
            latency_ps=_prediction(entry).latency_ps,
            speed_up=format_times(
                Fraction(base.latency_ps or 1, _prediction(entry).latency_ps or 1)
            ),
        )
        for entry in entries
    ]
    return timed, prediction_notes({entry.spec.title: _prediction(entry) for entry in entries})


def _prediction(entry: Entry) -> Prediction:
    assert entry.prediction is not None
    return entry.prediction


def _candidate(entry: Entry) -> Candidate:
    return Candidate(subject_of(entry.cost, entry.reference, "fp32"), entry.cost.graph)
