"""Timing networks: random rounds in sessions that lie apart, until their ratios are known."""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import isfinite
from random import Random

from antcost.errors import AntcostError
from antcost.measure.conditions import Snapshot, conditions, increase
from antcost.measure.engines import Engine, Run, Settings, wall_ns
from antcost.measure.lineup import Lineup
from antcost.measure.machine import steal_ticks
from antcost.measure.pinning import Pin, pinned
from antcost.measure.recording import Recording, Stopped, Visit
from antcost.measure.statistics import LEAST_SESSIONS, widest
from antcost.sources.network import Network
from antcost.units import NS_PER_S, format_margin

WARM_UPS = 4
RUNS = 5
RUNS_IF_SLOW = 3
SLOW_ROUND_S = 2.0
"""A round with more than this has fewer runs a visit."""

ROUNDS = 6
"""In a session, if there is time for it: few of them may be disturbed, and their median is not."""

PAUSE_S = 0.5
PAUSE_SHARE, PREPARE_SHARE = 1 / 6, 1 / 2
"""Of the time for each of the least number of sessions: most of a pause, and of preparing anew."""


@dataclass(frozen=True, slots=True)
class Goal:
    """When a measuring is over.

    Either the interval of every ratio with the baseline is at most so wide (its half, relative), or
    the time for measuring is over, after one round at least.
    """

    target: float = 0.02
    limit_s: float = 60.0
    least_sessions: int = LEAST_SESSIONS


@dataclass(frozen=True, slots=True)
class TimingProgress:
    """Where a measuring is: seconds so far, sessions, and the widest interval (its half)."""

    seconds: float
    sessions: int
    half_width: float

    def __str__(self) -> str:
        known = f", {format_margin(self.half_width)}" if isfinite(self.half_width) else ""
        return f"session {self.sessions}{known}"


@dataclass(frozen=True, slots=True)
class _Plan:
    """Rounds in a session, timed runs in a visit, and the pause after a session.

    `fresh` is whether networks are prepared anew for each session.
    """

    rounds: int
    runs: int
    pause_s: float
    fresh: bool


OnProgress = Callable[[TimingProgress], None]


def measure(
    lineup: Lineup,
    engine: Engine,
    settings: Settings,
    goal: Goal,
    seed: int,
    on_progress: OnProgress = lambda _: None,
) -> Recording:
    """Time all networks against the baseline.

    All are prepared before anything is timed, and anew for each session if that is quick: where
    memory happens to lie changes ratios by about 1 %, which intervals have to know. Ctrl-C ends it
    early and keeps all rounds that are finished; before the first one it is raised. Raises
    AntcostError if a network cannot run.
    """
    visits: list[Visit] = []
    prepare = partial(_prepared, lineup.networks, engine, settings)
    with pinned(settings.threads) as pin, no_collection():
        began_s = time.perf_counter()
        runs = prepare(0)
        prepare_s = time.perf_counter() - began_s
        plan = _plan(goal, prepare_s, sum(map(wall_ns, runs)) / NS_PER_S * (1 + RUNS))
        start = Snapshot()
        try:
            stopped = _fill(
                visits, runs, plan, prepare, pin, goal, lineup.baseline, Random(seed), on_progress
            )
        except KeyboardInterrupt:
            if not visits:
                raise
            stopped = "interrupted"
        end = Snapshot()
    return Recording(
        subjects=lineup.subjects(settings.dtype),
        reference=lineup.reference,
        baseline=lineup.baseline,
        engine=engine.name,
        settings=settings,
        conditions=conditions(start, end, pin, engine),
        target=goal.target,
        limit_s=goal.limit_s,
        seed=seed,
        seconds=end.wall_s - start.wall_s,
        stopped=stopped,
        fresh=plan.fresh,
        visits=tuple(visits),
    )


@contextmanager
def no_collection() -> Iterator[None]:
    """Stop garbage collection while the block runs."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _prepared(
    networks: Sequence[Network], engine: Engine, settings: Settings, turn: int
) -> list[Run]:
    """Return all networks, warmed up. They take turns in being first, since memory is given out in
    order.

    Raises AntcostError for whatever the engine says against one of them.
    """
    runs: dict[int, Run] = {}
    for number in range(len(networks)):
        index = (turn + number) % len(networks)
        with engine_errors(engine, networks[index].title):
            runs[index] = engine.prepare(networks[index].graph, settings)
            for _ in range(WARM_UPS):
                runs[index]()
    return [runs[index] for index in range(len(networks))]


@contextmanager
def engine_errors(engine: Engine, title: str) -> Iterator[None]:
    """Raise whatever an engine says against a network as an AntcostError."""
    try:
        yield
    except AntcostError:
        raise
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        raise AntcostError(f"{title}: {engine.name}: {reason}") from error


def _plan(goal: Goal, prepare_s: float, round_s: float) -> _Plan:
    """Return as many rounds as there is time for in each of the least number of sessions."""
    share_s = goal.limit_s / goal.least_sessions
    fresh = prepare_s < share_s * PREPARE_SHARE
    pause_s = min(PAUSE_S, share_s * PAUSE_SHARE)
    apart_s = pause_s + (prepare_s if fresh else 0.0)
    rounds = min(max(int((share_s - apart_s) / round_s), 1), ROUNDS)
    return _Plan(rounds, RUNS if round_s < SLOW_ROUND_S else RUNS_IF_SLOW, pause_s, fresh)


def _fill(
    visits: list[Visit],
    runs: list[Run],
    plan: _Plan,
    prepare: Callable[[int], list[Run]],
    pin: Pin,
    goal: Goal,
    baseline: int,
    rng: Random,
    on_progress: OnProgress,
) -> Stopped:
    """Append the visits of finished rounds, until the goal is reached; say what ended it."""
    start_ns = time.perf_counter_ns()
    session = 0
    while True:
        for number in range(plan.rounds):
            order = rng.sample(range(len(runs)), len(runs))
            visits += [
                _visit(runs[subject], plan.runs, pin, (session, number, subject), start_ns)
                for subject in order
            ]
            if _since_s(start_ns) > goal.limit_s:
                break
        session += 1
        half_width = widest(visits, baseline, len(runs))
        on_progress(TimingProgress(_since_s(start_ns), session, half_width))
        if session >= goal.least_sessions and half_width <= goal.target:
            return "target"
        if _since_s(start_ns) + plan.pause_s > goal.limit_s:
            return "time"
        time.sleep(plan.pause_s)
        if plan.fresh:
            runs.clear()
            runs += prepare(session)


def _since_s(start_ns: int) -> float:
    return (time.perf_counter_ns() - start_ns) / NS_PER_S


def _visit(run: Run, times: int, pin: Pin, place: tuple[int, int, int], start_ns: int) -> Visit:
    """Run once to bring the network back into the caches, then time the runs."""
    steal = steal_ticks(pin.cpus)
    run()
    switches = _switches()
    wall, cpu = [], []
    began_ns = time.perf_counter_ns()
    for _ in range(times):
        cpu_ns, wall_ns = time.process_time_ns(), time.perf_counter_ns()
        run()
        wall.append(time.perf_counter_ns() - wall_ns)
        cpu.append(time.process_time_ns() - cpu_ns)
    return Visit(
        *place,
        start_ns=began_ns - start_ns,
        wall_ns=tuple(wall),
        cpu_ns=tuple(cpu),
        switches=increase(switches, _switches()),
        steal_ticks=increase(steal, steal_ticks(pin.cpus)),
    )


def _switches() -> int | None:
    """Return the involuntary context switches of this process so far."""
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
