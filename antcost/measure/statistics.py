"""What samples say: times of a network, and ratios of two that were measured in the same rounds.

The speed of a machine drifts by several percent within seconds, for all networks alike. A ratio is
therefore only taken within a round, and its interval is that of sessions which lie apart.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt
from typing import Literal

from antcost.measure.recording import Recording, Subject, Visit

Stat = Literal["median", "antnet"]
LEVEL = 0.95
LEAST_SESSIONS = 10
"""From so many on, an interval is one that can be trusted."""

SEEN = 0.01
"""What undisturbed visits alone say is something else if it differs by so much."""

LOST_SHARE = 0.02
LOST_NS = 100_000
"""A run has lost the CPU if its wall time exceeds its CPU time by both: waking takes some, too."""


def trimmed_mean(times: Sequence[int]) -> float:
    """Return the mean without the fastest and the slowest run, as the ANTNets paper has it."""
    return statistics.fmean(sorted(times)[1:-1] or times)


CENTERS: Mapping[Stat, Callable[[Sequence[int]], float]] = {
    "median": statistics.median,
    "antnet": trimmed_mean,
}


@dataclass(frozen=True, slots=True)
class Ratio:
    """The baseline's time over that of a network, and its 95 % interval over sessions.

    A single session has no interval: it reaches from 0 to infinity.
    """

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Return how far the upper end is away, relative to the ratio."""
        return self.high / self.value - 1


@dataclass(frozen=True, slots=True)
class Latency:
    """What was measured of one network, at `index` in the recording.

    `time_ns` is the median of all runs, or another statistic that was asked for; `spread` the
    standard deviation of the sessions' values relative to it; `fastest` the ratio of the fastest
    runs; `disturbed` the share of visits in which something else took the CPU. `quiet_ns` and
    `quiet_speed_up` are what the other visits alone say, if they can.
    """

    index: int
    subject: Subject
    label: str
    time_ns: float
    min_ns: int
    p90_ns: float
    runs: int
    spread: float | None
    disturbed: float
    speed_up: Ratio
    fastest: float
    quiet_ns: float | None
    quiet_speed_up: Ratio | None

    @property
    def differs(self) -> bool:
        """Return whether undisturbed visits alone say something else, or nothing."""
        quiet = self.quiet_speed_up
        return self.disturbed > 0 and (
            quiet is None
            or self.quiet_ns is None
            or abs(self.quiet_ns / self.time_ns - 1) > SEEN
            or not self.speed_up.low <= quiet.value <= self.speed_up.high
        )


def latencies(
    recording: Recording, baseline: int | None = None, stat: Stat = "median"
) -> tuple[Latency, ...]:
    """Return what was measured of each network that a table shows, against a baseline."""
    base = recording.baseline if baseline is None else baseline
    shown = dict.fromkeys([*recording.shown, base])
    return tuple(_latency(recording, index, base, stat) for index in sorted(shown))


def _latency(recording: Recording, index: int, base: int, stat: Stat) -> Latency:
    threads = recording.settings.threads
    every = recording.visits
    quiet = [visit for visit in every if not disturbed(visit, threads)]
    times, quiet_times = times_ns(every, index), times_ns(quiet, index)
    center = CENTERS[stat]
    time = center(times)
    sessions = [center(times_ns(visits, index)) for visits in by_session(every)]
    visits = sum(visit.subject == index for visit in every)
    return Latency(
        index=index,
        subject=recording.subjects[index],
        label=recording.labels[index],
        time_ns=time,
        min_ns=min(times),
        p90_ns=quantile(times, 0.9),
        runs=len(times),
        spread=statistics.stdev(sessions) / time if len(sessions) > 1 else None,
        disturbed=1 - sum(visit.subject == index for visit in quiet) / visits,
        speed_up=ratio(log_ratios(every, base, index, stat)),
        fastest=min(times_ns(every, base)) / min(times),
        quiet_ns=center(quiet_times) if quiet_times else None,
        quiet_speed_up=ratio(logs) if (logs := log_ratios(quiet, base, index, stat)) else None,
    )


def times_ns(visits: Sequence[Visit], index: int) -> list[int]:
    """Return the wall times of all runs of one network."""
    return [time for visit in visits if visit.subject == index for time in visit.wall_ns]


def by_session(visits: Sequence[Visit]) -> list[list[Visit]]:
    sessions: dict[int, list[Visit]] = {}
    for visit in visits:
        sessions.setdefault(visit.session, []).append(visit)
    return list(sessions.values())


def quantile(times: Sequence[int], share: float) -> float:
    """Return the quantile, linear between the two nearest runs."""
    import numpy as np

    return float(np.quantile(times, share))


def ratio(logs: Sequence[float]) -> Ratio:
    """Return the mean of the log-ratios of sessions, and its interval."""
    middle, half = statistics.fmean(logs), half_interval(logs)
    if half == inf:
        return Ratio(exp(middle), 0.0, inf)
    return Ratio(exp(middle), exp(middle - half), exp(middle + half))


def log_ratios(
    visits: Sequence[Visit], base: int, index: int, stat: Stat = "median"
) -> list[float]:
    """Return for each session the median over its rounds of log(time of base / time of index)."""
    values = {
        (visit.session, visit.round, visit.subject): CENTERS[stat](visit.wall_ns)
        for visit in visits
        if visit.subject in (base, index)
    }
    sessions: dict[int, list[float]] = {}
    for (session, number, subject), value in values.items():
        other = values.get((session, number, index))
        if subject == base and other is not None:
            sessions.setdefault(session, []).append(log(value / other))
    return [statistics.median(logs) for logs in sessions.values()]


def half_interval(values: Sequence[float]) -> float:
    """Return half of the 95 % interval of a mean by Student's t; infinite for a single value."""
    if len(values) < 2:
        return inf
    from scipy.special import stdtrit

    t = float(stdtrit(len(values) - 1, (1 + LEVEL) / 2))
    return t * statistics.stdev(values) / sqrt(len(values))


def widest(visits: Sequence[Visit], base: int, count: int, stat: Stat = "median") -> float:
    """Return the relative half-width of the widest interval of all ratios with `base`."""
    others = (index for index in range(count) if index != base)
    ratios = (ratio(log_ratios(visits, base, index, stat)) for index in others)
    return max((each.half_width for each in ratios), default=0.0)


def disturbed(visit: Visit, threads: int) -> bool:
    """Return whether something else had the CPU: what a run lost says so for one thread.

    Several threads wait for each other, so for them it is the scheduler that says so.
    """
    if visit.steal_ticks:
        return True
    if threads > 1:
        return bool(visit.switches)
    runs = zip(visit.wall_ns, visit.cpu_ns, strict=True)
    return any(wall - cpu > max(LOST_SHARE * wall, LOST_NS) for wall, cpu in runs)


def rank_correlation(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """Return Spearman's, from -1 to 1; None where all of one side are equal."""
    if len(set(xs)) < 2 or len(set(ys)) < 2:
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(xs, ys).statistic)
