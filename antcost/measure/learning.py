"""From measured layers and networks to the rates of a device: one non-negative least-squares fit.

A latency is a sum over layers, of each a sum over its work: `cost/kernels.py`. Rates are what makes
these sums equal what was measured of the kernels of some networks, in their place in the network,
and of the networks as a whole.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
import numpy.typing as npt

from antcost.cost.analysis import NetCost
from antcost.cost.device import CACHE_BYTES, FS_PER_US, OTHER, RATES, Device, Rates, Seen
from antcost.cost.kernels import KernelWork, kernel_work
from antcost.measure.attribution import owners

BLOCKS = (1, 8, 16)
"""Channels that vector units may take at once; the one that fits best is chosen."""
FLOOR_NS = 20_000
"""Errors are relative to a kernel's time and this, so that the shortest ones do not decide."""
WEIGHT = 30
"""What the error of a whole network counts, beside that of a kernel."""
LEARNED = tuple(rate for rate in RATES if rate != "ps_per_byte")
"""The rates that are learned; bytes are split into inputs, outputs and weights."""
SPILLED = ("", "ps_per_spilled_byte")
"""One rate for all kinds: it is that of the memory."""
NS_PER_US = 1000
FS_PER_NS = FS_PER_US // NS_PER_US
Array = npt.NDArray[np.float64]
Column = tuple[str, str]
Terms = Mapping[Column, float]


@dataclass(frozen=True, slots=True)
class Sample:
    """A network that was measured: as a whole, and each kernel of it under a profiler."""

    cost: NetCost
    latency_ns: float
    kernels_ns: Mapping[str, float]


def fit_rates(name: str, samples: Sequence[Sample]) -> Device:
    """Return the rates with which the sums over layers are nearest to what was measured."""
    samples = _calibrated(samples)
    fits = [_fit(samples, block) for block in BLOCKS]
    _, block, rates = min(fits, key=lambda fit: fit[0])
    same_kind = defaultdict(list)
    for sample in samples:
        for work in kernel_work(sample.cost, block, CACHE_BYTES):
            same_kind[work.kinds[0]].append(work)
    kinds = {kind: Rates(_of(kind, rates), _seen(same)) for kind, same in same_kind.items()}
    *_, pooled = _fit(samples, block, pooled=True)
    kinds[OTHER] = Rates(_of(OTHER, pooled))
    return Device(name, kinds, block, spilled_fs=rates.get(SPILLED, 0))


def _of(kind: str, rates: Mapping[Column, int]) -> tuple[int, ...]:
    return tuple(rates.get((kind, rate), 0) for rate in RATES)


def _calibrated(samples: Sequence[Sample]) -> list[Sample]:
    """Return kernels without what the profiler adds, which may have met a slower machine.

    Their sums, times one number and less another for each kernel, are nearest to the latencies.
    """
    from scipy.optimize import nnls

    sums = np.array([sum(sample.kernels_ns.values()) for sample in samples])
    counts = np.array([len(sample.kernels_ns) for sample in samples])
    latencies = np.array([sample.latency_ns for sample in samples])
    columns = np.stack([sums, -counts * NS_PER_US], axis=1) / latencies[:, None]
    (pace, overhead_us), _ = nnls(columns, np.ones(len(samples)))
    overhead_ns = overhead_us * NS_PER_US
    return [
        replace(
            sample,
            kernels_ns={
                name: max(0.0, pace * time_ns - overhead_ns)
                for name, time_ns in sample.kernels_ns.items()
            },
        )
        for sample in samples
    ]


def _fit(
    samples: Sequence[Sample], block: int, *, pooled: bool = False
) -> tuple[float, int, dict[Column, int]]:
    """Return the error that is left, the block, and the rates in femtoseconds by kind of layer.

    All that has no multiply-adds is one kind if `pooled`.
    """
    from scipy.optimize import nnls

    equations = [equation for sample in samples for equation in _equations(sample, block, pooled)]
    columns = sorted({column for terms, _, _ in equations for column in terms})
    places = {column: place for place, column in enumerate(columns)}
    matrix = np.zeros((len(equations), len(columns)))
    target = np.zeros(len(equations))
    for row, (terms, time_ns, weight) in enumerate(equations):
        target[row] = time_ns * weight
        for column, amount in terms.items():
            matrix[row, places[column]] = amount * weight
    scale = np.linalg.norm(matrix, axis=0)
    orthogonal, triangle = np.linalg.qr(matrix / scale)
    solution, _ = nnls(triangle, orthogonal.T @ target, maxiter=100 * len(columns))
    error = float(np.linalg.norm(matrix @ (solution / scale) - target))
    rates = {
        column: _rounded(rate * FS_PER_NS, column)
        for column, rate in zip(columns, solution / scale, strict=True)
    }
    return error, block, rates


def _rounded(fs: float, column: Column) -> int:
    """Round the femtoseconds of a rate as in a file: four decimals of us, or three of ps."""
    step = 10**5 if column[1].startswith("us_") else 1
    return round(fs / step) * step


def _equations(sample: Sample, block: int, pooled: bool) -> Iterator[tuple[Terms, float, float]]:
    """Yield work, time and weight of each kernel of a network, and of the network."""
    graph = sample.cost.graph
    owner = owners(graph, sample.kernels_ns.keys())
    kernels: dict[str, dict[Column, float]] = defaultdict(lambda: defaultdict(float))
    whole: dict[Column, float] = defaultdict(float)
    for node, work in zip(graph.nodes, kernel_work(sample.cost, block, CACHE_BYTES), strict=True):
        kind = OTHER if pooled and not work.madds else work.kinds[0]
        for column, amount in _terms(kind, work).items():
            whole[column] += amount
            if node.name in owner:
                kernels[owner[node.name]][column] += amount
    for kernel, terms in kernels.items():
        time_ns = sample.kernels_ns[kernel]
        yield terms, time_ns, 1 / (time_ns + FLOOR_NS)
    yield whole, sample.latency_ns, sqrt(WEIGHT) / sample.latency_ns


def _terms(kind: str, work: KernelWork) -> Terms:
    amounts = {(kind, rate): getattr(work, RATES[rate][0]) for rate in LEARNED}
    amounts[SPILLED] = work.spilled_bytes
    return {column: amount for column, amount in amounts.items() if amount}


def _seen(same: Sequence[KernelWork]) -> Seen:
    """Return the range of the work of some layers."""
    madds, moved, windows = zip(*((w.madds, w.moved_bytes, w.window) for w in same), strict=True)
    return Seen(
        madds=(min(madds), max(madds)),
        bytes=(min(moved), max(moved)),
        window=(min(windows), max(windows)),
    )
