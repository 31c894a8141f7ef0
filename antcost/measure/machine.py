"""What the system reports of its CPUs: what they did, who shares a core, and what a quota allows.

Times are psutil's. The rest is only known of Linux, whose files lie under a root; where there are
no such files, nothing is known.
"""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/")
SIMD = (
    "sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile",
    "neon", "asimd", "asimddp", "sve", "sve2",
)  # fmt: skip
"""Vector instructions among the flags of /proc/cpuinfo, the later ones the wider ones."""
NOT_BUSY = ("idle", "iowait", "steal", "guest", "guest_nice")
"""Times of a CPU in which nothing worked on it, or which others include."""
THROTTLED_NS = {"throttled_usec": 1000, "throttled_time": 1}
"""Names of the time that a control group has held us back, by version, and their nanoseconds."""


@dataclass(frozen=True, slots=True)
class Quota:
    """The CPUs that control groups allow at most, and how long they have held us back so far."""

    cpus: float | None = None
    throttled_ns: int | None = None


def busy_seconds() -> float:
    """Return how long all CPUs together have worked since the start."""
    import psutil

    times = psutil.cpu_times()._asdict()
    return float(sum(seconds for name, seconds in times.items() if name not in NOT_BUSY))


def steal_ticks(cpus: Collection[int] = ()) -> int | None:
    """Return the time that the hypervisor has taken from these CPUs, or from all.

    Unit: 1 / os.sysconf("SC_CLK_TCK") seconds.
    """
    import psutil

    every = psutil.cpu_times(percpu=True)
    steals = [
        times.steal
        for cpu, times in enumerate(every)
        if hasattr(times, "steal") and (not cpus or cpu in cpus)
    ]
    return round(sum(steals) * os.sysconf("SC_CLK_TCK")) if steals else None


def read(path: Path) -> str:
    """Return the text of a file, empty if there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


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
    cpus, throttled_ns = [], []
    for folder in _cpu_groups(root):
        limit = read(folder / "cpu.max") or " ".join(
            read(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period")
        )
        most, _, period = limit.partition(" ")
        if most.isdigit() and period.isdigit():
            cpus.append(int(most) / int(period))
        for line in read(folder / "cpu.stat").splitlines():
            name, _, count = line.partition(" ")
            if name in THROTTLED_NS:
                throttled_ns.append(int(count) * THROTTLED_NS[name])
    return Quota(min(cpus, default=None), max(throttled_ns, default=None))


def _cpu_groups(root: Path) -> Iterator[Path]:
    """Yield the folders of the control groups that bound our CPU time, each before those above it.

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
