"""Keeping what is measured on the least busy CPUs."""

import os
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass

from antcost.measure.machine import core_of
from antcost.units import plural

LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Pin:
    """The CPUs that we were pinned to; if there are none, why not."""

    cpus: tuple[int, ...] = ()
    problem: str | None = None


@contextmanager
def pinned(threads: int) -> Iterator[Pin]:
    """Pin this thread, and those that it starts, to as many CPUs as it has threads."""
    if not hasattr(os, "sched_setaffinity"):
        yield Pin(problem="this system cannot pin")
        return
    allowed = os.sched_getaffinity(0)
    if threads > len(allowed):
        yield Pin(problem=f"{threads} threads on {plural(len(allowed), 'CPU')}")
        return
    cpus = least_busy(allowed)[:threads]
    try:
        os.sched_setaffinity(0, cpus)
    except OSError as error:
        yield Pin(problem=f"cannot be pinned: {error.strerror or error}")
        return
    try:
        yield Pin(tuple(sorted(cpus)))
    finally:
        os.sched_setaffinity(0, allowed)


def least_busy(allowed: Set[int]) -> list[int]:
    """Return the CPUs of the idlest cores first; further CPUs of the same cores after one of
    each.
    """
    import psutil

    busy = dict(enumerate(psutil.cpu_percent(LOOK_S, percpu=True)))
    cores: dict[str, list[int]] = {}
    for cpu in sorted(allowed):
        cores.setdefault(core_of(cpu), []).append(cpu)
    turns = [
        (turn, sum(busy.get(each, 0.0) for each in cpus), cpu)
        for cpus in cores.values()
        for turn, cpu in enumerate(cpus)
    ]
    return [cpu for *_, cpu in sorted(turns)]
