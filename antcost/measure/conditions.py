"""The conditions of a measuring: machine, versions, and who else was at work meanwhile."""

import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from antcost.measure.engines import Engine
from antcost.measure.machine import (
    Quota,
    Ticks,
    cpu_model,
    cpu_ticks,
    governor,
    quota,
    simd,
    tick_seconds,
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
    """None is what the system does not tell.

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


@dataclass(frozen=True, slots=True)
class Moment:
    """What the counters of the system say at one time."""

    date: datetime
    load: float | None
    wall_s: float
    own_cpu_s: float
    ticks: Mapping[int, Ticks]
    quota: Quota


def moment() -> Moment:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return Moment(
        datetime.now(UTC), load, time.perf_counter(), time.process_time(), cpu_ticks(), quota()
    )


def conditions(start: Moment, end: Moment, pin: Pin, engine: Engine) -> Conditions:
    """Return the conditions from one moment to another."""
    steal = [after.steal - before.steal for before, after in _pairs(start, end)]
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
        others_cpus=_others(start, end),
        quota_cpus=end.quota.cpus,
        throttled_ns=_throttled(start.quota, end.quota),
        steal_ticks=max(0, sum(steal)) if steal else None,
    )


def _pairs(start: Moment, end: Moment) -> list[tuple[Ticks, Ticks]]:
    """Return the ticks of each CPU that was there at both moments."""
    return [(start.ticks[cpu], end.ticks[cpu]) for cpu in start.ticks.keys() & end.ticks.keys()]


def _others(start: Moment, end: Moment) -> float | None:
    """CPUs that other processes kept busy, on average."""
    pairs = _pairs(start, end)
    if not pairs:
        return None
    busy = sum(after.busy - before.busy for before, after in pairs)
    own = end.own_cpu_s - start.own_cpu_s
    return max(0.0, busy * tick_seconds() - own) / (end.wall_s - start.wall_s)


def _throttled(start: Quota, end: Quota) -> int | None:
    if end.throttled_ns is None:
        return None
    return max(0, end.throttled_ns - (start.throttled_ns or 0))
