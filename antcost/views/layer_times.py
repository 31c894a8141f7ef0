"""Where the time of a network goes, as a table: a row a layer that ran, block, stage or kind."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction

from antcost.cost.analysis import Level, group_of
from antcost.cost.convention import CONVENTIONS
from antcost.measure.attribution import Kernel
from antcost.measure.breakdown import Breakdown
from antcost.measure.roofline import Limit, Roofline
from antcost.tables.table import Column, Table
from antcost.units import format_bytes, format_ratio, format_time, plural
from antcost.views.measurement_notes import disturbances, how, where

GIGA = 10**9
PS_PER_GIGA = 1000
"""FLOPs by picoseconds, times this, are GFLOP/s."""

NEAR = Fraction(1, 20)
"""Kernels together and a whole run may differ by this share without a word."""


@dataclass(frozen=True, slots=True)
class LayerTimeRow:
    """One row: the kernels of a layer, block, stage or kind, beside the whole network's."""

    name: str
    operator: str
    kernels: tuple[Kernel, ...]
    breakdown: Breakdown

    @property
    def layers(self) -> int:
        """Layers of the network, those that were merged into others included."""
        return sum(len(kernel.nodes) for kernel in self.kernels)

    @property
    def time_ps(self) -> int:
        return sum(kernel.time_ps for kernel in self.kernels)

    @property
    def time_share(self) -> Fraction | None:
        return _ratio(self.time_ps, self.breakdown.sum_ps)

    @property
    def madds(self) -> int:
        return sum(kernel.madds for kernel in self.kernels)

    @property
    def traffic_bytes(self) -> int:
        return sum(kernel.traffic_bytes for kernel in self.kernels)

    @property
    def intensity(self) -> Fraction:
        return Fraction(2 * self.madds, self.traffic_bytes)

    @property
    def gflops(self) -> Fraction | None:
        """GFLOP/s, where there are FLOPs and a time."""
        return _ratio(2 * self.madds * PS_PER_GIGA, self.time_ps) if self.madds else None

    @property
    def limits_ps(self) -> Counter[Limit]:
        """What a perfect machine takes for the kernels, by what limits each of them."""
        limits: Counter[Limit] = Counter()
        for bound in map(self.breakdown.roofline.bound, self.kernels):
            limits[bound.limit] += bound.time_ps
        return limits

    @property
    def bound_by(self) -> Limit:
        """What limits most of the time of a perfect machine."""
        return self.limits_ps.most_common(1)[0][0]

    @property
    def bound_share(self) -> Fraction | None:
        """The time of a perfect machine by the time measured."""
        return _ratio(self.limits_ps.total(), self.time_ps)


COLUMNS: tuple[Column[LayerTimeRow], ...] = (
    Column("name", "name", lambda line: line.name),
    Column("operator", "operator", lambda line: line.operator, spare=5),
    Column("layers", "layers", lambda line: line.layers, "count", spare=6),
    Column("time_ps", "time", lambda line: line.time_ps, "time"),
    Column("time_share", "% time", lambda line: line.time_share, "share"),
    Column("madds", "MAdds", lambda line: line.madds, "count", spare=3),
    Column("traffic_bytes", "traffic", lambda line: line.traffic_bytes, "bytes", spare=4),
    Column("intensity", "FLOP/B", lambda line: line.intensity, "ratio", spare=2),
    Column("gflops", "GFLOP/s", lambda line: line.gflops, "ratio", spare=1),
    Column("bound_by", "bound by", lambda line: line.bound_by),
    Column("bound_share", "% of bound", lambda line: line.bound_share, "share"),
)
UNNAMED = {"kind": ("operator",)}
"""Columns that say nothing more than the name of a row does."""


def lines_of(breakdown: Breakdown, by: Level) -> list[LayerTimeRow]:
    """Return the rows in the order of the network; kernels belong where their first layer does."""
    groups: dict[tuple[str, str], list[Kernel]] = {}
    for kernel in breakdown.kernels:
        groups.setdefault(group_of(kernel.nodes[0], by), []).append(kernel)
    return [LayerTimeRow(*key, tuple(group), breakdown) for key, group in groups.items()]


def layer_times_table(breakdown: Breakdown, by: Level) -> Table[LayerTimeRow]:
    """Return the time of each row beside its cost, and the best that the machine could do."""
    lines = lines_of(breakdown, by)
    total = LayerTimeRow("total", "", breakdown.kernels, breakdown)
    graph = breakdown.cost.graph
    return Table(
        title=f"{graph.name}, {graph.input} to {graph.output}: where the time goes",
        columns=[column for column in COLUMNS if column.key not in UNNAMED.get(by, ())],
        items=lines,
        total=total,
        notes=(*_notes(breakdown, lines), *disturbances(breakdown)),
        facts={
            "network": graph.name,
            "engine": breakdown.engine,
            "settings": asdict(breakdown.settings),
            "conditions": asdict(breakdown.conditions),
            "runs": breakdown.runs,
            "whole_ps": breakdown.whole_ps,
            "profiled_ps": breakdown.profiled_ps,
            "machine": asdict(breakdown.roofline),
        },
        more={
            "layers": lambda line: [[node.name for node in one.nodes] for one in line.kernels],
            "bound_ps": lambda line: line.limits_ps.total(),
        },
    )


def _notes(breakdown: Breakdown, lines: Sequence[LayerTimeRow]) -> Iterator[str]:
    yield how(breakdown)
    yield where(breakdown)
    yield (
        f"time: medians of {plural(breakdown.runs, 'run')} by the engine's own profiler, together "
        f"{format_time(breakdown.sum_ps)}; a whole run takes {format_time(breakdown.profiled_ps)} "
        f"under the profiler and {format_time(breakdown.whole_ps)} without it."
    )
    if abs(breakdown.sum_ps - breakdown.profiled_ps) > NEAR * breakdown.profiled_ps:
        share = format_ratio(Fraction(100 * breakdown.sum_ps, breakdown.profiled_ps))
        yield (
            "Kernels were timed one by one, as medians, which are together "
            f"{share} % of a whole run under the profiler: the rest is what the profiler and the "
            "engine take between them, unless the machine was unsteady."
        )
    layers = sum(line.layers for line in lines)
    ran = len(breakdown.kernels)
    yield (
        f"{ran} of {plural(layers, 'layer')} ran; the engine merged the others into one before "
        "them, which has their MAdds. traffic: what a layer reads and writes, once, with what was "
        "merged into it."
    )
    yield f"MAdds: {CONVENTIONS['madds'].definition}."
    yield _machine(breakdown.roofline)
    yield (
        "bound by: the largest of FLOPs by FLOP/s, traffic by B/s (of the largest size that it "
        "reaches), and the time of a tiny layer. % of bound: that time by the one measured."
    )
    if any((line.bound_share or 0) > 1 for line in lines):
        yield "More than 100: faster than what the machine was measured with."


def _machine(roofline: Roofline) -> str:
    """Describe the roofs in one sentence."""
    flops = f"{format_ratio(Fraction(roofline.flops_per_s, GIGA))} GFLOP/s"
    levels = ", ".join(
        f"{format_ratio(Fraction(level.bytes_per_s, GIGA))} GB/s at "
        f"{format_bytes(level.traffic_bytes)}"
        for level in roofline.levels
    )
    return (
        f"The same engine at its best: {flops}; {levels} of traffic; "
        f"{format_time(roofline.overhead_ps)} a tiny layer."
    )


def _ratio(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None
