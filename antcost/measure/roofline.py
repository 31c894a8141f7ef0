"""What a machine can do at best, measured with the same engine and settings as a network.

The roofline model (Williams et al., 2009) with one more roof: what every kernel takes, however
small it is. Networks made for the purpose give each roof: the best of all their runs.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from antcost.cost.analysis import analyze_graph
from antcost.cost.memory import BYTES
from antcost.graph.graph import Graph
from antcost.graph.shape import Shape
from antcost.graph.tape import Tape, Tensor
from antcost.measure.attribution import Kernel, kernels
from antcost.measure.engines import Engine, LayerTimes, Settings
from antcost.units import PS_PER_NS, PS_PER_S

RUNS = 12
ROOFS = 3
STREAM_BYTES = (2**20, 2**23, 2**27)
"""Traffic of the layers that bandwidths are taken from: within a core's own cache, in the last
level, and more than any cache holds.
"""
STREAM_CHANNELS = 64
TINY_LAYERS = 100
Limit = Literal["compute", "memory", "overhead"]


@dataclass(frozen=True, slots=True)
class Level:
    """How many bytes a second layers with so much traffic move."""

    traffic_bytes: int
    bytes_per_s: int


@dataclass(frozen=True, slots=True)
class RooflineBound:
    """The least time of a kernel on a perfect machine, and what decides it."""

    limit: Limit
    time_ps: int


@dataclass(frozen=True, slots=True)
class Roofline:
    """Operations and bytes a second, the bandwidths from that of the nearest cache on, and the
    time of a kernel that has next to nothing to do: as the profiler sees it, like all others.
    """

    flops_per_s: int
    levels: tuple[Level, ...]
    overhead_ps: int

    def level(self, traffic_bytes: int) -> Level:
        """Return the largest level that the traffic fills, so that no roof is too low; or the
        first.
        """
        filled = [level for level in self.levels if level.traffic_bytes <= traffic_bytes]
        return filled[-1] if filled else self.levels[0]

    def bound(self, kernel: Kernel) -> RooflineBound:
        """Return the largest of what its operations, its bytes, and starting it take at least."""
        bandwidth = self.level(kernel.traffic_bytes).bytes_per_s
        bounds = (
            RooflineBound("compute", kernel.flops * PS_PER_S // self.flops_per_s),
            RooflineBound("memory", kernel.traffic_bytes * PS_PER_S // bandwidth),
            RooflineBound("overhead", self.overhead_ps),
        )
        return max(bounds, key=lambda bound: bound.time_ps)


def measure_roofline(
    engine: Engine, settings: Settings, on_progress: Callable[[str], None] = lambda _: None
) -> Roofline:
    """Measure all roofs for one image at once; bytes a second always in fp32."""
    alone = replace(settings, batch=1)
    on_progress("operations a second")
    flops_per_s = max(
        kernel.flops * PS_PER_S // kernel.time_ps for kernel in _best(_dense(), engine, alone)
    )
    on_progress("bytes a second")
    streams = [_level(size, engine, replace(alone, dtype="fp32")) for size in STREAM_BYTES]
    levels = tuple(
        replace(level, bytes_per_s=max(other.bytes_per_s for other in streams[number:]))
        for number, level in enumerate(streams)
    )
    on_progress("time of a kernel")
    return Roofline(flops_per_s, levels, _overhead_ps(engine, alone))


def _best(graph: Graph, engine: Engine, settings: Settings) -> list[Kernel]:
    """Return the kernels of a graph in their fastest runs, without those too fast for the
    profiler.
    """
    assert engine.time_layers is not None
    times = engine.time_layers(graph, settings, RUNS)
    fastest = {name: (min(runs),) for name, runs in times.layers_ns.items()}
    found = kernels(analyze_graph(graph), LayerTimes(times.whole_ns, fastest), settings)
    return [kernel for kernel in found if kernel.time_ps]


def _level(traffic_bytes: int, engine: Engine, settings: Settings) -> Level:
    """Return the bandwidth of the best layer that does nothing but read a map and write another."""
    pixels = traffic_bytes // (2 * BYTES[settings.dtype] * STREAM_CHANNELS)
    found = _best(_stream(pixels), engine, settings)
    rates = [
        kernel.traffic_bytes * PS_PER_S // kernel.time_ps
        for kernel in found
        if not kernel.madds and kernel.traffic_bytes >= traffic_bytes
    ]
    return Level(traffic_bytes, max(rates))


def _overhead_ps(engine: Engine, settings: Settings) -> int:
    """Return the overhead of tiny layers that no engine merges, as the profiler sees it."""
    assert engine.time_layers is not None
    times = engine.time_layers(_tiny(), settings, RUNS * RUNS)
    fastest_ns = min(map(sum, zip(*times.layers_ns.values(), strict=True)))
    return fastest_ns * PS_PER_NS // TINY_LAYERS


def _dense() -> Graph:
    """Return convolutions with many operations for each byte."""
    tape = Tape(Shape((16, 28, 28)))
    x = tape.conv(tape.input, 256, name="first")
    x = tape.conv(x, 256, kernel=3, name="dense")
    for number in range(2):
        x = tape.conv(x, 512, name=f"pointwise{number}")
    x = tape.conv(x, 128, name="narrow")
    x = tape.conv(x, 128, kernel=3, name="narrow_dense")
    return tape.graph("dense", tape.global_avg_pool(x))


def _stream(pixels: int) -> Graph:
    """Layers that read a map and write another: one after the other, and parted by pooling, as
    engines merge some of them.
    """
    tape = Tape(Shape((3, 32, pixels // 32)))
    x = tape.conv(tape.input, STREAM_CHANNELS, name="make")
    for number in range(2):
        x = tape.max_pool(x, kernel=1, stride=1, padding=0, name=f"pool{number}")
        x = tape.activation(x, "relu", name=f"relu{number}")
    return tape.graph("stream", tape.global_avg_pool(x, name="mean"))


def _tiny() -> Graph:
    tape = Tape(Shape((16, 2, 2)))
    x: Tensor = tape.input
    for number in range(TINY_LAYERS):
        x = tape.conv(x, 16, name=f"tiny{number}")
    return tape.graph("tiny", x)
