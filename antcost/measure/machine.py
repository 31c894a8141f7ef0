"""What Linux tells about its CPUs: how busy they are, who shares a core, and what a quota allows.

Every function takes the root of the file system; where there are no such files, nothing is known.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/")
SIMD = (
    "sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile",
    "neon", "asimd", "asimddp", "sve", "sve2",
)  # fmt: skip
"""Vector instructions among the flags of /proc/cpuinfo, the later ones the wider ones."""


@dataclass(frozen=True, slots=True)
class Ticks:
    """What a CPU did since the start: worked, idled, or was taken by the hypervisor.

    Unit: 1 / os.sysconf("SC_CLK_TCK") seconds.
    """

    busy: int
    idle: int
    steal: int


@dataclass(frozen=True, slots=True)
class Quota:
    """The CPUs that control groups allow at most, and how long they have held us back so far."""

    cpus: float | None = None
    throttled_ns: int | None = None


def read(path: Path) -> str:
    """Return the text of a file, empty if there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def cpu_ticks(root: Path = ROOT) -> dict[int, Ticks]:
    """Return the ticks of each CPU (proc_stat(5))."""
    ticks = {}
    for line in read(root / "proc/stat").splitlines():
        name, *counts = line.split()
        if name.startswith("cpu") and name != "cpu" and len(counts) >= 8:
            user, nice, system, idle, iowait, irq, softirq, steal = map(int, counts[:8])
            busy = user + nice + system + irq + softirq
            ticks[int(name.removeprefix("cpu"))] = Ticks(busy, idle + iowait, steal)
    return ticks


def tick_seconds() -> float:
    return 1 / os.sysconf("SC_CLK_TCK")


def cpu_model(root: Path = ROOT) -> str | None:
    return next((value for key, value in _cpuinfo(root) if key == "model name" and value), None)


def simd(root: Path = ROOT) -> tuple[str, ...]:
    """Return the vector instructions that the CPU has, of those in SIMD."""
    found = (value.split() for key, value in _cpuinfo(root) if key in ("flags", "Features"))
    flags = next(found, [])
    return tuple(name for name in SIMD if name in flags)


def _cpuinfo(root: Path) -> Iterator[tuple[str, str]]:
    for line in read(root / "proc/cpuinfo").splitlines():
        key, _, value = line.partition(":")
        yield key.strip(), value.strip()


def governor(cpu: int, root: Path = ROOT) -> str | None:
    return read(root / f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor") or None


def core_of(cpu: int, root: Path = ROOT) -> str:
    """Return a name that the CPUs of one core share (hyper-threads); its own where that is
    unknown.
    """
    folder = root / f"sys/devices/system/cpu/cpu{cpu}/topology"
    return read(folder / "thread_siblings_list") or str(cpu)


def quota(root: Path = ROOT) -> Quota:
    """Return the tightest quota of our control groups, of version 1 or 2, and those above them."""
    cpus, throttled = [], []
    for folder in _cpu_groups(root):
        limit = _limit(folder)
        cpus += [limit] if limit else []
        stat = dict(
            line.split(maxsplit=1) for line in read(folder / "cpu.stat").splitlines() if " " in line
        )
        if "throttled_usec" in stat:
            throttled.append(int(stat["throttled_usec"]) * 1000)
        elif "throttled_time" in stat:
            throttled.append(int(stat["throttled_time"]))
    return Quota(min(cpus, default=None), max(throttled, default=None))


def _cpu_groups(root: Path) -> Iterator[Path]:
    """Folders of the control groups that bound our CPU time, each followed by those above it.

    In a container, /proc names a path of the host, whose end is what is mounted here.
    """
    mount = root / "sys/fs/cgroup"
    for line in read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        bases = [mount / controllers, mount / "cpu"] if controllers else [mount, mount / "unified"]
        base = next((base for base in bases if base.is_dir()), mount)
        own = base / path.strip("/")
        yield from (own, *(above for above in own.parents if above.is_relative_to(base)))


def _limit(group: Path) -> float | None:
    """Return the CPUs that a group allows, if it has a limit."""
    if text := read(group / "cpu.max"):
        most, _, period = text.partition(" ")
    else:
        most, period = read(group / "cpu.cfs_quota_us"), read(group / "cpu.cfs_period_us")
    return int(most) / int(period) if most.isdigit() and period.isdigit() else None
