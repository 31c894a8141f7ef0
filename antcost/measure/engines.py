"""Engines that run a network: adapters with one interface, ours and those of installed packages."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import (
    EntryPoint,
    PackageNotFoundError,
    entry_points,
    packages_distributions,
    version,
)
from importlib.util import find_spec

from antcost.cost.memory import Dtype
from antcost.errors import AntcostError, suggest
from antcost.graph.graph import Graph

ENTRY_POINTS = "antcost.engines"


@dataclass(frozen=True, slots=True)
class Settings:
    """How a network is run: threads, images at once, number type, batch norm folded or kept."""

    threads: int = 1
    batch: int = 1
    dtype: Dtype = "fp32"
    fold: bool = True


@dataclass(frozen=True, slots=True)
class LayerTimes:
    """Nanoseconds of every run: of the whole network, and of each layer that ran by itself.

    A layer without an entry was merged into another, or is nothing at inference.
    """

    whole_ns: tuple[int, ...]
    layers_ns: Mapping[str, tuple[int, ...]]


Run = Callable[[], object]


def wall_ns(run: Run) -> int:
    """Return the nanoseconds that one run takes."""
    start_ns = time.perf_counter_ns()
    run()
    return time.perf_counter_ns() - start_ns


Prepare = Callable[[Graph, Settings], Run]
TimeLayers = Callable[[Graph, Settings, int], LayerTimes]


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine: what it needs, and how it runs a network.

    `prepare` builds everything and returns one forward pass of a fixed input, to be called by the
    thread that called `prepare`; `time_layers` runs the network so many times (after a warm-up)
    under the engine's own profiler, if it has one.
    """

    name: str
    packages: tuple[str, ...]
    install: str
    dtypes: tuple[Dtype, ...]
    prepare: Prepare
    time_layers: TimeLayers | None = None

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the packages that it needs, as far as they have one."""
        known = packages_distributions()
        found = {package: _version(package, known) for package in self.packages}
        return {package: each for package, each in found.items() if each}


BUILT_IN = {
    "onnxruntime": "antcost.measure.onnx_runtime:ONNXRUNTIME",
    "openvino": "antcost.measure.openvino:OPENVINO",
    "torch": "antcost.measure.torch_engines:EAGER",
    "torch-compile": "antcost.measure.torch_engines:COMPILE",
    "torchscript": "antcost.measure.torch_engines:SCRIPT",
}
DEFAULT = "onnxruntime"


def engine_names() -> tuple[str, ...]:
    """Return names of all engines: the built-in ones, then those of installed packages."""
    return tuple(dict.fromkeys([*BUILT_IN, *_third_party()]))


def find_engine(name: str, settings: Settings) -> Engine:
    """Return an engine that can run with these settings.

    Raises AntcostError if there is none of this name, a package is missing, or it has no such type.
    """
    if name not in engine_names():
        raise AntcostError(f"no engine {name!r}; {suggest(name, engine_names())}")
    engine = _loaded(BUILT_IN[name] if name in BUILT_IN else _third_party()[name])
    missing = [package for package in engine.packages if not _is_there(package)]
    if missing:
        raise AntcostError(f"{name}: {' and '.join(missing)} missing: {engine.install}")
    if settings.dtype not in engine.dtypes:
        raise AntcostError(f"{name} runs {', '.join(engine.dtypes)}, not {settings.dtype}")
    return engine


def _version(package: str, known: Mapping[str, Sequence[str]]) -> str | None:
    """Return the version of the distribution that a package is imported from; None for one of
    several.
    """
    names = set(known.get(package.partition(".")[0], ())) or {package}
    name = package if package in names else names.pop() if len(names) == 1 else None
    try:
        return version(name) if name else None
    except PackageNotFoundError:
        return None


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # of the package that it is in
        return False


@cache
def _third_party() -> dict[str, str]:
    """Return the engines of installed packages; the first, if several have one name."""
    return {point.name: point.value for point in reversed(entry_points(group=ENTRY_POINTS))}


def _loaded(value: str) -> Engine:
    where = f"entry point {ENTRY_POINTS}: {value}"
    try:
        engine = EntryPoint("", value, ENTRY_POINTS).load()
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        raise AntcostError(f"{where} does not load: {reason}") from error
    if not isinstance(engine, Engine):
        raise AntcostError(f"{where} is no Engine")
    return engine
