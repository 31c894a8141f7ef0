"""What a budget may be on: numbers of a network that add up over its blocks, or a largest one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, assert_never

from antcost.cost.analysis import NetCost
from antcost.cost.device import Device
from antcost.cost.memory import Dtype, param_bytes, peak_bytes, traffic_bytes
from antcost.units import (
    BYTE_UNITS,
    COUNT_UNITS,
    TIME_UNITS,
    format_bytes,
    format_count,
    format_exact,
    format_time,
)

Unit = Literal["count", "bytes", "time"]
UNITS: Mapping[Unit, Mapping[str, Fraction]] = {
    "count": {name: Fraction(count) for name, count in COUNT_UNITS.items()},
    "bytes": {name: Fraction(count) for name, count in BYTE_UNITS.items()},
    "time": {name: Fraction(seconds) * 10**12 for name, seconds in TIME_UNITS.items()},
}
"""What a bound may be written in, as multiples of what is counted: ones, bytes, picoseconds."""

_EXACT_UNITS: Mapping[Unit, str] = {"count": "", "bytes": " B", "time": " ps"}


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a network: the sum over its blocks, or the largest of them if `largest`."""

    name: str
    label: str
    unit: Unit
    of: Callable[[NetCost], Any]
    largest: bool = False


def measures(dtype: Dtype = "fp32", device: Device | None = None) -> dict[str, Measure]:
    """Return the measures by name; latency only with a device to predict it for.

    Sizes and memory are those of one image in `dtype`. All are exact integers; latency is in
    picoseconds.
    """
    known = [
        Measure("madds", "MAdds", "count", lambda cost: cost.madds),
        Measure("params", "params", "count", lambda cost: cost.params),
        Measure("size", "size", "bytes", lambda cost: param_bytes(cost.whole.cost, dtype)),
        Measure("traffic", "traffic", "bytes", lambda cost: traffic_bytes(cost.whole, dtype)),
        Measure(
            "peak_memory", "peak memory", "bytes", lambda cost: peak_bytes(cost.graph, dtype), True
        ),
    ]
    if device is not None:
        known.append(Measure("latency", "latency", "time", device.latency_ps))
    return {measure.name: measure for measure in known}


def format_measure(measure: Measure, count: int, exact: bool = False) -> str:
    """Print one count of a measure with its unit, with three significant digits or all of them."""
    if exact:
        return f"{format_exact(count)}{_EXACT_UNITS[measure.unit]}"
    match measure.unit:
        case "count":
            return format_count(count)
        case "bytes":
            return format_bytes(count)
        case "time":
            return format_time(count)
        case _:
            assert_never(measure.unit)
