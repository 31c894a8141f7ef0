"""Latencies for the entries of a comparison, measured."""

from collections.abc import Sequence

from antcost.cli.measuring import completed, measured
from antcost.measure.engines import DEFAULT, Settings, find_engine
from antcost.measure.recording import subject_of
from antcost.measure.statistics import latencies
from antcost.measure.timing import Candidate, Goal
from antcost.views.comparison import Entry
from antcost.views.latency import latency_notes
from antcost.views.timed import timed_entry


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
    timed = [timed_entry(entry, rows[number]) for number, entry in enumerate(entries)]
    return timed, latency_notes(recording), recording.stopped != "interrupted"


def _candidate(entry: Entry) -> Candidate:
    return Candidate(subject_of(entry.cost, entry.reference, "fp32"), entry.cost.graph)
