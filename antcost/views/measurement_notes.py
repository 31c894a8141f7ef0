"""What stands under everything that was measured: how, where, and who else was at work."""

from collections.abc import Iterator

from antcost.measure.breakdown import Breakdown
from antcost.measure.recording import Recording
from antcost.units import PS_PER_NS, format_time, plural

OFTEN = 0.1
"""Flagged: this share of the visits was disturbed, or of the CPUs was busy with other work."""


Measured = Recording | Breakdown


def ran_as(measured: Measured) -> str:
    """Describe the engine, without its version, and its settings."""
    settings = measured.settings
    return ", ".join((
        measured.engine,
        settings.dtype,
        "batch norm folded" if settings.fold else "batch norm kept",
        plural(settings.threads, "thread"),
        f"{plural(settings.batch, 'image')} at once",
    ))  # fmt: skip


def how(measured: Measured) -> str:
    """Describe the engine and its settings, and all versions."""
    versions = measured.conditions.versions
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"{ran_as(measured)}; {named}."


def where(measured: Measured) -> str:
    """Describe the machine, and when it was."""
    seen = measured.conditions
    widest_simd = f" ({seen.simd[-1]})" if seen.simd else ""
    pinned = ", ".join(map(str, seen.pinned_to))
    return ", ".join(filter(None, (
        f"{seen.cpu or seen.system}{widest_simd}",
        plural(seen.cpus, "CPU") if seen.cpus else "",
        f"pinned to CPU {pinned}" if pinned else f"not pinned ({seen.not_pinned})",
        f"governor {seen.governor}" if seen.governor else "",
        seen.date,
    )))  # fmt: skip


def disturbances(measured: Measured) -> Iterator[str]:
    """Yield what of the conditions makes the numbers less certain."""
    seen, settings = measured.conditions, measured.settings
    if not seen.pinned_to:
        yield "Not pinned to a CPU: moving between CPUs disturbs."
    busy = seen.load if seen.others_cpus is None else seen.others_cpus
    if busy is not None and seen.cpus and busy > OFTEN * seen.cpus:
        yield f"Other work kept {busy:.1f} of {plural(seen.cpus, 'CPU')} busy meanwhile."
    if seen.throttled_ns:
        held = format_time(seen.throttled_ns * PS_PER_NS)
        yield f"A quota of {seen.quota_cpus or 0:g} CPUs held everything back for {held}."
    elif seen.quota_cpus is not None and seen.quota_cpus < settings.threads:
        yield f"A quota allows {seen.quota_cpus:g} CPUs, for {plural(settings.threads, 'thread')}."
