"""A device whose rates are known, and what a profiler would measure on it."""

from collections.abc import Iterable
from random import Random

from antcost.cost.analysis import NetCost, analyze_graph
from antcost.cost.device import Device, Rates
from antcost.cost.kernels import AFTER_CONV, kernel_work
from antcost.graph.graph import Graph
from antcost.measure.engines import Engine, LayerTimes, Run, Settings

BLOCK, CACHE_BYTES, SPILLED_FS = 8, 4 * 2**20, 20_000


def known_device(costs: Iterable[NetCost]) -> Device:
    """Rates for every kind of these networks; what follows a convolution is merged into it."""
    kinds = {
        work.kinds[0] for cost in costs for work in kernel_work(cost, block=BLOCK, cache_bytes=0)
    }
    return Device(
        "Known", {kind: Rates(_fs(kind)) for kind in kinds}, BLOCK, CACHE_BYTES, SPILLED_FS
    )


def _fs(kind: str) -> tuple[int, ...]:
    if kind.endswith(AFTER_CONV) or kind in ("dropout", "flatten"):
        return (0,) * 7
    rng = Random(kind)
    return (
        rng.randrange(1, 9) * 10**9,  # us_per_layer
        10**8,  # us_per_group
        rng.randrange(10_000, 60_000),  # ps_per_madd
        0,  # ps_per_byte
        rng.randrange(20_000, 80_000),  # ps_per_input_byte
        rng.randrange(20_000, 80_000),  # ps_per_output_byte
        rng.randrange(20_000, 80_000),  # ps_per_weight_byte
    )


def layers_ns(device: Device, graph: Graph) -> dict[str, float]:
    """What each layer takes that runs by itself."""
    prediction = device.predict(analyze_graph(graph))
    return {name: ps / 1000 for name, ps in prediction.layers_ps.items() if ps}


def engine_of(device: Device, faster: int) -> Engine:
    """An engine with the profiler's times of the device, which works in proportion, but faster."""

    def prepare(graph: Graph, settings: Settings) -> Run:
        numbers = range(device.latency_ps(analyze_graph(graph)) // 10**4 // faster)
        return lambda: sum(numbers)

    def time_layers(graph: Graph, settings: Settings, runs: int) -> LayerTimes:
        layers = {name: (round(ns),) * runs for name, ns in layers_ns(device, graph).items()}
        return LayerTimes((sum(times[0] for times in layers.values()),) * runs, layers)

    return Engine("known", (), "pip install known", ("fp32",), prepare, time_layers)
