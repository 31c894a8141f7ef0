"""What takes a while: other tools that count, and networks that are timed, with a bar."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from typing import Annotated

import typer
from typer import Option

from antcost.check.comparison import Check, check
from antcost.check.tools import TOOLS
from antcost.cli.progress import meter, progress
from antcost.cost.analysis import NetCost
from antcost.cost.memory import Dtype
from antcost.errors import AntcostError
from antcost.measure.breakdown import STEPS, Breakdown, break_down
from antcost.measure.engines import BUILT_IN, DEFAULT, Engine, Settings, find_engine
from antcost.measure.lineup import Lineup, with_reference
from antcost.measure.recording import Recording
from antcost.measure.statistics import latencies
from antcost.measure.timing import Goal, measure
from antcost.views.comparison import ComparedNetwork
from antcost.views.entry_latencies import timed_entry
from antcost.views.latency import latency_notes


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How networks are run."""

    engine: Annotated[
        str, Option(metavar="NAME", help=f"What runs the networks: {', '.join(BUILT_IN)}, ...")
    ] = DEFAULT
    threads: Annotated[int, Option(metavar="N", min=1, max=1024, help="Threads.")] = 1
    batch: Annotated[int, Option(metavar="N", min=1, max=1024, help="Batch size.")] = 1
    dtype: Annotated[Dtype, Option(help="Data type.")] = "fp32"

    def settings(self, *, fold: bool = True) -> Settings:
        return Settings(self.threads, self.batch, self.dtype, fold)


def require_torch() -> None:
    """Raise AntcostError where other tools have nothing to count."""
    if find_spec("torch") is None:
        raise AntcostError("antcost check needs torch: pip install 'antcost[check]'")


def require_packages(*more: str) -> None:
    """Raise AntcostError where what a recording needs, or one of these, is not installed."""
    missing = [package for package in ("numpy", "scipy", *more) if find_spec(package) is None]
    if missing:
        needed = " and ".join(missing)
        raise AntcostError(f"latency needs {needed}: pip install 'antcost[latency]'")


def run_tools(costs: Sequence[NetCost]) -> tuple[list[Check], bool]:
    """Return the checks in the order of networks and tools, and whether Ctrl-C ended them early."""
    checks: list[Check] = []
    interrupted = False
    try:
        with progress("counting", len(costs) * len(TOOLS)) as advance:
            for done in check(costs):
                checks.append(done)
                advance(f"{done.cost.graph.name}: {done.tool.name}")
    except KeyboardInterrupt:
        interrupted = True
    order = {id(cost): index for index, cost in enumerate(costs)}
    tools = list(TOOLS)
    checks.sort(key=lambda one: (order[id(one.cost)], tools.index(one.tool.name)))
    return checks, interrupted


def run_measurement(
    lineup: Lineup, engine: Engine, settings: Settings, goal: Goal, seed: int
) -> Recording:
    """Time the networks. Exits if Ctrl-C ends it before anything was measured."""
    with (
        exit_if_interrupted("interrupted before anything was measured"),
        meter("measuring", goal.limit_s) as show,
    ):
        return measure(
            lineup, engine, settings, goal, seed, lambda now: show(now.seconds, str(now))
        )


def run_breakdown(cost: NetCost, engine: Engine, settings: Settings, limit_s: float) -> Breakdown:
    """Time the layers of a network. Exits if Ctrl-C ends it."""
    steps = count()
    with (
        exit_if_interrupted("interrupted before everything was measured"),
        meter("measuring", STEPS) as show,
    ):
        return break_down(cost, engine, settings, limit_s, lambda what: show(next(steps), what))


@contextmanager
def exit_if_interrupted(message: str) -> Iterator[None]:
    """Exit with this message if Ctrl-C ends the block."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(message, err=True)
        raise typer.Exit(130) from None


def measured_entries(
    entries: Sequence[ComparedNetwork], baseline: ComparedNetwork | None
) -> tuple[list[ComparedNetwork], list[str], bool]:
    """Return the entries with what antcost latency measures by default, notes, and whether it was
    not interrupted.

    Their speed-ups are over the baseline, the first of several, or the reference network.
    """
    settings = Settings()
    base = None if baseline is None else baseline.network
    lineup = with_reference([entry.network for entry in entries], base)
    recording = run_measurement(lineup, find_engine(DEFAULT, settings), settings, Goal(), 0)
    rows = {row.index: row for row in latencies(recording)}
    timed = [timed_entry(entry, rows[number]) for number, entry in enumerate(entries)]
    return timed, latency_notes(recording), recording.stopped != "interrupted"
