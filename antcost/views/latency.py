"""What the clock said, as a table: everything in it is made from a recording alone."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from fractions import Fraction
from math import isfinite
from typing import assert_never

from antcost.measure.recording import Recording
from antcost.measure.statistics import (
    CENTERS,
    LEAST_SESSIONS,
    LEVEL,
    Latency,
    Ratio,
    Stat,
    by_session,
    latencies,
    times_ns,
    widest,
)
from antcost.tables.table import Column, Interval, Table
from antcost.units import PS_PER_NS, format_margin, format_time, plural
from antcost.views.measurement_notes import OFTEN, disturbances, how, where


def picoseconds(ns: float) -> int:
    return round(ns * PS_PER_NS)


def interval(one: Ratio) -> Interval:
    """Return a ratio, with its interval if it has one."""
    return Interval(one.value, one.low, one.high)


def _columns(stat: Stat, rows: Sequence[Latency]) -> tuple[Column[Latency], ...]:
    """Return the columns; undisturbed visits alone have some only if they say something else."""
    header = "median" if stat == "median" else "mean"
    quiet = (
        Column("quiet_time", "undisturbed", _quiet_time, "time", spare=2),
        Column("quiet_speed_up", "speed-up", _quiet_speed_up, spare=2),
    )
    return (
        Column("network", "network", lambda row: row.label),
        Column("time", header, lambda row: picoseconds(row.time_ns), "time"),
        Column("speed_up", "speed-up", lambda row: interval(row.speed_up)),
        Column("fastest", "fastest", lambda row: Fraction(row.fastest), "times", spare=4),
        Column("min", "min", lambda row: picoseconds(row.min_ns), "time", spare=5),
        Column("p90", "p90", lambda row: picoseconds(row.p90_ns), "time", spare=3),
        Column("spread", "spread %", lambda row: _share(row.spread), "share", spare=6),
        Column("runs", "runs", lambda row: str(row.runs), "count", spare=7),
        Column("disturbed", "disturbed %", lambda row: _share(row.disturbed), "share", spare=1),
        *(quiet if any(row.differs for row in rows) else ()),
    )


def _quiet_time(row: Latency) -> int | None:
    return None if row.quiet_ns is None else picoseconds(row.quiet_ns)


def _quiet_speed_up(row: Latency) -> Interval | None:
    return None if row.quiet_speed_up is None else interval(row.quiet_speed_up)


def _share(value: float | None) -> Fraction | None:
    return None if value is None else Fraction(value)


def latency_table(
    recording: Recording, *, baseline: int | None = None, stat: Stat = "median"
) -> Table[Latency]:
    """Return a row for each network, with its paired comparison with the baseline."""
    base = recording.baseline if baseline is None else baseline
    rows = latencies(recording, base, stat)
    return Table(
        title=f"Latency of {plural(len(rows), 'network')} by {recording.engine}",
        columns=_columns(stat, rows),
        items=rows,
        notes=tuple(_notes(recording, rows, base, stat)),
        facts={
            "engine": recording.engine,
            "settings": asdict(recording.settings),
            "conditions": asdict(recording.conditions),
            "stopped": recording.stopped,
            "seconds": recording.seconds,
            "sessions": len(by_session(recording.visits)),
            "baseline": recording.labels[base],
            "reference": recording.labels[recording.reference],
            "stat": stat,
        },
        rows_key="networks",
        more={
            "spec": lambda row: row.subject.reference,
            "runs": lambda row: row.runs,
            "madds": lambda row: row.subject.madds,
            "params": lambda row: row.subject.params,
            "traffic": lambda row: row.subject.traffic_bytes,
        },
    )


def latency_notes(recording: Recording, baseline: int | None = None) -> list[str]:
    """Return the notes on medians and speed-ups in another table."""
    base = recording.baseline if baseline is None else baseline
    rows = latencies(recording, base)
    return [
        f"latency: {how(recording)}",
        where(recording),
        _how_long(recording, base, "median"),
        f"{_speed_up(recording, base)}.",
        *_flags(recording, rows),
    ]


def _speed_up(recording: Recording, base: int) -> str:
    return (
        f"speed-up: time of {recording.labels[base]} by time of the network, from runs of the same "
        f"round, with its {100 * LEVEL:g} % interval over sessions"
    )


def _notes(recording: Recording, rows: Sequence[Latency], base: int, stat: Stat) -> Iterator[str]:
    yield how(recording)
    yield where(recording)
    yield _how_long(recording, base, stat)
    yield f"{_speed_up(recording, base)}; fastest: that of the fastest runs."
    if stat == "antnet":
        yield "mean: without the fastest and the slowest run, as in the ANTNets paper."
    yield (
        "spread: standard deviation of what sessions say. "
        "disturbed: visits in which something else had the CPU."
    )
    if any(row.differs for row in rows):
        yield "undisturbed: what the other visits alone say."
    if recording.reference not in recording.shown and recording.reference != base:
        yield _reference(recording, stat)
    yield from _flags(recording, rows)


def _how_long(recording: Recording, base: int, stat: Stat) -> str:
    """Say how much was measured, and what ended it, which depends on medians in any case."""
    sessions = len(by_session(recording.visits))
    rounds = len({(visit.session, visit.round) for visit in recording.visits})
    width = widest(recording.visits, base, len(recording.subjects), stat)
    kind = "" if stat == "median" else " of means"
    reached = f"; the widest interval{kind} is {format_margin(width)}" if isfinite(width) else ""
    match recording.stopped:
        case "target":
            by = "" if base == recording.baseline else f" by {recording.labels[recording.baseline]}"
            of, shown = ("", "") if stat == "median" else (" of medians", reached)
            within = f"within {format_margin(recording.target)}"
            end = f"stopped when all intervals{of}{by} were {within}{shown}"
        case "time":
            end = f"stopped by the time limit of {recording.limit_s:g} s{reached}"
        case "interrupted":
            end = f"interrupted{reached}"
        case _:
            assert_never(recording.stopped)
    spent = f"{plural(rounds, 'round')} in {plural(sessions, 'session')}"
    prepared = "prepared anew for each" if recording.fresh else "prepared once"
    return f"{spent}, {prepared}, over {recording.seconds:.0f} s; {end}."


def _reference(recording: Recording, stat: Stat) -> str:
    time_ns = CENTERS[stat](times_ns(recording.visits, recording.reference))
    label = recording.labels[recording.reference]
    return f"In every round, for comparison: {label}, {format_time(picoseconds(time_ns))}."


def _flags(recording: Recording, rows: Sequence[Latency]) -> Iterator[str]:
    """Yield what makes the numbers less certain."""
    sessions = len(by_session(recording.visits))
    if sessions < LEAST_SESSIONS:
        least = f"intervals can be trusted from {LEAST_SESSIONS} on"
        yield f"Only {plural(sessions, 'session')}: {least}."
    if not recording.fresh:
        yield "Prepared once: what depends on where memory lies is in no interval."
    yield from disturbances(recording)
    often = sum(row.disturbed > OFTEN for row in rows)
    if often:
        visits = f"more than {100 * OFTEN:g} % of the visits"
        yield f"Disturbed in {visits}: {often} of {plural(len(rows), 'network')}."
