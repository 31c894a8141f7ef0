"""A device learned from random networks, and tried on others: what a device file is made of."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from statistics import median
from typing import Any

from antcost.cost.device import FS_PER_PS, RATES, Device, Errors, Rates
from antcost.errors import AntcostError
from antcost.measure.engines import Engine, LayerTimes, Settings
from antcost.measure.lineup import REFERENCE, Lineup
from antcost.measure.pinning import pinned
from antcost.measure.random_networks import random_networks
from antcost.measure.recording import Recording
from antcost.measure.statistics import disturbed, log_ratios, quantile, ratio, times_ns
from antcost.measure.timing import Goal, TimingProgress, engine_errors, measure, no_collection
from antcost.sources.network import Network, load_network
from antcost.units import PS_PER_NS, plural

RUNS = 12
QUARTILE = 0.25
NEAR = 0.1
NEVER = 1e-6
"""A target that no measuring reaches: it takes its time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many networks are learned from, how many the result is tried on, and for how long they
    are timed.
    """

    networks: int = 40
    trials: int = 10
    seed: int = 0
    limit_s: float = 25.0


@dataclass(frozen=True, slots=True)
class Trial:
    """A network that nothing was learned from."""

    network: str
    madds: int
    measured_ps: int
    predicted_ps: int

    @property
    def error(self) -> float:
        return self.predicted_ps / self.measured_ps - 1


@dataclass(frozen=True, slots=True)
class Profile:
    """A device with the trials that its errors are from, and what they were measured in."""

    device: Device
    trials: tuple[Trial, ...]
    recording: Recording


def profile(
    engine: Engine,
    settings: Settings,
    plan: Plan,
    name: str | None = None,
    *,
    on_network: Callable[[str], None] = lambda _: None,
    on_progress: Callable[[TimingProgress], None] = lambda _: None,
) -> Profile:
    """Measure random networks, learn the rates of the device, and predict others.

    Raises AntcostError for an engine that cannot time layers.
    """
    from antcost.measure.learning import Sample, fit_rates

    if engine.time_layers is None:
        raise AntcostError(f"{engine.name} does not report layer times; use another engine")
    networks = list(islice(random_networks(plan.seed), plan.networks + plan.trials))
    learned, tried = networks[: plan.networks], networks[plan.networks :]
    kernels = []
    with pinned(settings.threads), no_collection():
        for network in learned:
            with engine_errors(engine, network.title):
                kernels.append(kernel_times(engine.time_layers(network.graph, settings, RUNS)))
            on_network(network.title)
    recording = timed(networks, engine, settings, plan.limit_s, plan.seed, on_progress)
    latencies = latencies_ns(recording)
    costs = [network.cost for network in learned]
    samples = list(map(Sample, costs, latencies, kernels))
    device = fit_rates(name or _device_name(recording), samples)
    trials = tuple(
        Trial(
            network.title,
            network.cost.madds,
            round(latency_ns * PS_PER_NS),
            device.latency_ps(network.cost),
        )
        for network, latency_ns in zip(tried, latencies[len(learned) :], strict=True)
    )
    measured = _measured(recording, plan)
    device = replace(device, errors=trial_errors(trials), measured=measured)
    return Profile(device, trials, recording)


def kernel_times(times: LayerTimes) -> dict[str, float]:
    """Return the lower quartile of each kernel's runs: others who take the CPU make them only
    longer.
    """
    return {layer: quantile(runs, QUARTILE) for layer, runs in times.layers_ns.items()}


def timed(
    networks: Sequence[Network],
    engine: Engine,
    settings: Settings,
    limit_s: float,
    seed: int = 0,
    on_progress: Callable[[TimingProgress], None] = lambda _: None,
) -> Recording:
    """Measure all networks in turns for so long, with the reference as the last one."""
    last = len(networks)
    lineup = Lineup((*networks, load_network(REFERENCE)), last, last)
    return measure(lineup, engine, settings, Goal(NEVER, limit_s), seed, on_progress)


def latencies_ns(recording: Recording) -> list[float]:
    """Return the ratio of each network to the reference in its rounds, times the reference.

    Visits in which something else took the CPU are left out, unless it was so in every round.
    """
    last, own_ns = recording.reference, reference_ns(recording)
    visits = [
        visit for visit in recording.visits if not disturbed(visit, recording.settings.threads)
    ]
    if not all(log_ratios(visits, last, number) for number in range(last)):
        visits = list(recording.visits)
    speed_ups = (ratio(log_ratios(visits, last, number)).value for number in range(last))
    return [own_ns / speed_up for speed_up in speed_ups]


def reference_ns(recording: Recording) -> float:
    return median(times_ns(recording.visits, recording.reference))


def trial_errors(trials: Sequence[Trial]) -> Errors:
    """Return what a device file says of its errors: relative ones, whatever their sign."""
    errors = [abs(trial.error) for trial in trials]
    near = sum(error <= NEAR for error in errors)
    return Errors(
        networks=len(errors),
        median=round(median(errors), 4),
        largest=round(max(errors), 4),
        within_10_percent=round(near / len(errors), 4),
    )


def _device_name(recording: Recording) -> str:
    """Return such as "AMD EPYC, onnxruntime 1.32.0, 1 thread", and what is not as usual."""
    conditions, settings, usual = recording.conditions, recording.settings, Settings()
    parts = (
        conditions.cpu,
        f"{recording.engine} {conditions.versions.get(recording.engine, '')}".strip(),
        plural(settings.threads, "thread"),
        settings.dtype if settings.dtype != usual.dtype else "",
        f"{settings.batch} images at once" if settings.batch != usual.batch else "",
    )
    return ", ".join(filter(None, parts))


def _measured(recording: Recording, plan: Plan) -> dict[str, Any]:
    """Return how a device was measured, for its file."""
    return {
        "engine": recording.engine,
        **asdict(recording.settings),
        **asdict(plan),
        "reference": {"network": REFERENCE, "latency_us": round(reference_ns(recording) / 1000)},
        "conditions": asdict(recording.conditions),
    }


def device_file(device: Device) -> str:
    """Return the device as JSON, which `antcost.cost.device` reads: a line a kind of layer."""
    head = {
        "device": device.name,
        "errors": device.errors and device.errors.model_dump(),
        "measured": device.measured,
        "block": device.block,
        "cache_bytes": device.cache_bytes,
        "ps_per_spilled_byte": device.spilled_fs / FS_PER_PS,
    }
    kinds = ",\n".join(
        f"    {json.dumps(kind)}: {json.dumps(_rates(rates))}"
        for kind, rates in sorted(device.kinds.items())
    )
    text = json.dumps({name: value for name, value in head.items() if value}, indent=2)
    return f'{text[:-2]},\n  "kinds": {{\n{kinds}\n  }}\n}}\n'


def _rates(rates: Rates) -> dict[str, Any]:
    """Return what is not 0, in the units of the file: exactly, as rates are rounded to what it
    holds.
    """
    named = zip(RATES.items(), rates.fs, strict=True)
    values = {name: fs / unit for (name, (_, unit)), fs in named if fs}
    return {**values, **({"seen": rates.seen.model_dump()} if rates.seen else {})}
