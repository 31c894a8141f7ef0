"""Keeping what is measured on the least busy CPUs."""

import os
import time
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from antcost.measure.machine import ROOT, core_of, cpu_ticks

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
        yield Pin(problem=f"{threads} threads on {_cpus(len(allowed))}")
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


def least_busy(allowed: Set[int], root: Path = ROOT) -> list[int]:
    """Return the CPUs of the idlest cores first; further CPUs of the same cores after one of
    each.
    """
    before = cpu_ticks(root)
    time.sleep(LOOK_S)
    after = cpu_ticks(root)
    seen = before.keys() & after.keys()
    busy = {cpu: after[cpu].busy - before[cpu].busy for cpu in seen}
    cores: dict[str, list[int]] = {}
    for cpu in sorted(allowed):
        cores.setdefault(core_of(cpu, root), []).append(cpu)
    work = {core: sum(busy.get(cpu, 0) for cpu in cpus) for core, cpus in cores.items()}
    turns = [
        (turn, work[core], cpu) for core, cpus in cores.items() for turn, cpu in enumerate(cpus)
    ]
    return [cpu for _, _, cpu in sorted(turns)]


def _cpus(count: int) -> str:
    return f"{count} CPU{'' if count == 1 else 's'}"
