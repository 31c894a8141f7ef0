"""The conditions of a measuring: machine, versions, and who else was at work meanwhile."""

import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from antcost.measure.engines import Engine
from antcost.measure.machine import (
    Quota,
    busy_seconds,
    cpu_model,
    governor,
    quota,
    simd,
    steal_ticks,
)
from antcost.measure.pinning import Pin
from antcost.version import __version__

STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
"""How pydantic reads what was measured from a file."""

Count = Annotated[int, Field(ge=0, lt=2**63)]
Number = Annotated[float, Field(ge=0, le=1e12)]
Text = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]


@dataclass(frozen=True, slots=True)
class Conditions:
    """None is what the system does not report.

    `load` is the average over the minute before, `others_cpus` how many CPUs other processes kept
    busy meanwhile, `quota_cpus` how many a control group allows.
    """

    __pydantic_config__ = STRICT

    date: Text
    system: Text
    versions: Mapping[Text, Text]
    cpu: Text | None
    simd: tuple[Text, ...]
    cpus: Annotated[int, Field(ge=1, lt=2**20)] | None
    pinned_to: tuple[Count, ...]
    not_pinned: Text | None
    governor: Text | None
    load: Number | None
    others_cpus: Number | None
    quota_cpus: Number | None
    throttled_ns: Count | None
    steal_ticks: Count | None


def load() -> float:
    """Return the average number of processes that waited for a CPU in the last minute."""
    import psutil

    return float(psutil.getloadavg()[0])


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the counters of the system say when it is made."""

    date: datetime = field(default_factory=lambda: datetime.now(UTC))
    load: float = field(default_factory=load)
    wall_s: float = field(default_factory=time.perf_counter)
    own_cpu_s: float = field(default_factory=time.process_time)
    busy_s: float = field(default_factory=busy_seconds)
    steal_ticks: int | None = field(default_factory=steal_ticks)
    quota: Quota = field(default_factory=quota)


def conditions(start: Snapshot, end: Snapshot, pin: Pin, engine: Engine) -> Conditions:
    """Return the conditions from one moment to another."""
    others_s = (end.busy_s - start.busy_s) - (end.own_cpu_s - start.own_cpu_s)
    return Conditions(
        date=start.date.isoformat(timespec="seconds"),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        versions={
            "antcost": __version__,
            "Python": platform.python_version(),
            **engine.versions,
        },
        cpu=cpu_model() or platform.processor() or None,
        simd=simd(),
        cpus=os.cpu_count(),
        pinned_to=pin.cpus,
        not_pinned=pin.problem,
        governor=governor(pin.cpus[0] if pin.cpus else 0),
        load=start.load,
        others_cpus=max(0.0, others_s) / (end.wall_s - start.wall_s),
        quota_cpus=end.quota.cpus,
        throttled_ns=increase(start.quota.throttled_ns, end.quota.throttled_ns),
        steal_ticks=increase(start.steal_ticks, end.steal_ticks),
    )


def increase(before: int | None, after: int | None) -> int | None:
    """Return by how much a counter has grown, if the system has it."""
    return None if before is None or after is None else max(0, after - before)
