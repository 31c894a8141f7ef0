"""Where the time of one network goes: its kernels, beside the whole and what the machine can do."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from antcost.cost.analysis import NetCost
from antcost.errors import AntcostError
from antcost.measure.attribution import Kernel, kernels, median_ps
from antcost.measure.conditions import Conditions, Snapshot, conditions
from antcost.measure.engines import Engine, LayerTimes, Settings, wall_ns
from antcost.measure.pinning import pinned
from antcost.measure.roofline import ROOFS, Roofline, measure_roofline
from antcost.measure.timing import engine_errors, no_collection

ROUNDS = 5
RUNS = 10
WARM_UP = 4
STEPS = ROOFS + ROUNDS
"""How often it is told what goes on."""

OnProgress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The kernels of a network, and the medians of whole runs: under the profiler and without."""

    cost: NetCost
    engine: str
    settings: Settings
    conditions: Conditions
    kernels: tuple[Kernel, ...]
    profiled_ps: int
    whole_ps: int
    runs: int
    roofline: Roofline

    @property
    def sum_ps(self) -> int:
        """Return what the kernels take together."""
        return sum(kernel.time_ps for kernel in self.kernels)


def break_down(
    cost: NetCost,
    engine: Engine,
    settings: Settings,
    limit_s: float,
    on_progress: OnProgress = lambda _: None,
) -> Breakdown:
    """Measure the roofs, then the network: runs under the profiler take turns with runs without it.

    Past the time limit no round begins but the first. Raises AntcostError for an engine that has no
    profiler, and for what it says against the network.
    """
    if engine.time_layers is None:
        raise AntcostError(
            f"{engine.name} does not report layer times; --by needs onnxruntime or openvino"
        )
    with pinned(settings.threads) as pin, no_collection(), engine_errors(engine, cost.graph.name):
        start = Snapshot()
        roofline = measure_roofline(
            engine, settings, lambda what: on_progress(f"the machine: {what}")
        )
        run = engine.prepare(cost.graph, settings)
        profiles: list[LayerTimes] = []
        whole_ns: list[int] = []
        while len(profiles) < ROUNDS and (
            not profiles or time.perf_counter() - start.wall_s < limit_s
        ):
            on_progress(f"round {len(profiles) + 1} of {ROUNDS}")
            profiles.append(engine.time_layers(cost.graph, settings, RUNS))
            whole_ns += [wall_ns(run) for _ in range(WARM_UP + RUNS)][WARM_UP:]
        end = Snapshot()
    return Breakdown(
        cost=cost,
        engine=engine.name,
        settings=settings,
        conditions=conditions(start, end, pin, engine),
        kernels=kernels(cost, LayerTimes((), _layers_ns(profiles)), settings),
        profiled_ps=median_ps(ns for profile in profiles for ns in profile.whole_ns),
        whole_ps=median_ps(whole_ns),
        runs=len(whole_ns),
        roofline=roofline,
    )


def _layers_ns(profiles: list[LayerTimes]) -> Mapping[str, tuple[int, ...]]:
    """Return the runs of all profiles, which are of the same network and so of the same layers."""
    return {
        name: tuple(ns for profile in profiles for ns in profile.layers_ns[name])
        for name in profiles[0].layers_ns
    }
