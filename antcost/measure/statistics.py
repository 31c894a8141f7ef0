"""What samples say: times of a network, and ratios of two that were measured in the same rounds.

The speed of a machine drifts by several percent within seconds, for all networks alike. A ratio is
therefore only taken within a round, and its interval is that of sessions which lie apart.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, expm1, inf, log, sqrt
from typing import Literal

from antcost.measure.recording import Recording, Subject, Visit

Stat = Literal["median", "antnet"]
LEVEL = 0.95
LEAST_SESSIONS = 10
"""From so many on, an interval is one that can be trusted."""

LOST_SHARE = 0.02
LOST_NS = 100_000
"""A run has lost the CPU if its wall time exceeds its CPU time by both: waking takes some, too."""


def trimmed_mean(times: Sequence[int]) -> float:
    """The mean without the fastest and the slowest run, as the ANTNets paper has it."""
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
        """How far the upper end is away, relative to the ratio."""
        return self.high / self.value - 1


@dataclass(frozen=True, slots=True)
class Latency:
    """What was measured of one network.

    `time_ns` is the median of all runs, or another statistic that was asked for; `spread` the
    standard deviation of the sessions' values relative to it; `fastest` the ratio of the fastest
    runs; `disturbed` the share of visits in which something else took the CPU.
    """

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


def latencies(
    recording: Recording, baseline: int | None = None, stat: Stat = "median"
) -> tuple[Latency, ...]:
    """What was measured of each network that a table shows, against a baseline."""
    base = recording.baseline if baseline is None else baseline
    shown = dict.fromkeys([*recording.shown, base])
    return tuple(_latency(recording, index, base, stat) for index in sorted(shown))


def _latency(recording: Recording, index: int, base: int, stat: Stat) -> Latency:
    visits = [visit for visit in recording.visits if visit.subject == index]
    times = times_ns(visits)
    time = CENTERS[stat](times)
    sessions = [CENTERS[stat](times_ns(group)) for group in by_session(visits)]
    threads = recording.settings.threads
    fastest = min(times_ns([visit for visit in recording.visits if visit.subject == base]))
    return Latency(
        subject=recording.subjects[index],
        label=recording.labels[index],
        time_ns=time,
        min_ns=min(times),
        p90_ns=quantile(times, 0.9),
        runs=len(times),
        spread=statistics.stdev(sessions) / time if len(sessions) > 1 else None,
        disturbed=sum(disturbed(visit, threads) for visit in visits) / len(visits),
        speed_up=ratio(recording.visits, base, index, stat),
        fastest=fastest / min(times),
    )


def times_ns(visits: Sequence[Visit]) -> list[int]:
    """The wall times of all runs."""
    return [time for visit in visits for time in visit.wall_ns]


def by_session(visits: Sequence[Visit]) -> list[list[Visit]]:
    sessions: dict[int, list[Visit]] = {}
    for visit in visits:
        sessions.setdefault(visit.session, []).append(visit)
    return list(sessions.values())


def quantile(times: Sequence[int], share: float) -> float:
    """Linear between the two nearest runs."""
    ordered = sorted(times)
    place = share * (len(ordered) - 1)
    below = ordered[int(place)]
    above = ordered[min(int(place) + 1, len(ordered) - 1)]
    return below + (above - below) * (place - int(place))


def ratio(visits: Sequence[Visit], base: int, index: int, stat: Stat = "median") -> Ratio:
    """Times of `base` over times of `index`: the mean over sessions of their median log-ratios."""
    logs = log_ratios(visits, base, index, stat)
    middle = statistics.fmean(logs)
    half = half_interval(logs)
    if half == inf:
        return Ratio(exp(middle), 0.0, inf)
    return Ratio(exp(middle), exp(middle - half), exp(middle + half))


def log_ratios(
    visits: Sequence[Visit], base: int, index: int, stat: Stat = "median"
) -> list[float]:
    """For each session the median over its rounds of log(time of base / time of index)."""
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
    """Half of the 95 % interval of a mean by Student's t; infinite for a single value."""
    if len(values) < 2:
        return inf
    from scipy.special import stdtrit

    t = float(stdtrit(len(values) - 1, (1 + LEVEL) / 2))
    return t * statistics.stdev(values) / sqrt(len(values))


def widest(visits: Sequence[Visit], base: int, count: int) -> float:
    """The relative half-width of the widest interval of all ratios with `base`."""
    logs = (log_ratios(visits, base, index) for index in range(count) if index != base)
    return max((expm1(half_interval(each)) for each in logs), default=0.0)


def disturbed(visit: Visit, threads: int) -> bool:
    """Whether something else had the CPU: what a run lost says so for one thread.

    Several threads wait for each other, so for them it is the scheduler that says so.
    """
    if visit.steal_ticks:
        return True
    if threads > 1:
        return bool(visit.switches)
    runs = zip(visit.wall_ns, visit.cpu_ns, strict=True)
    return any(wall - cpu > max(LOST_SHARE * wall, LOST_NS) for wall, cpu in runs)
