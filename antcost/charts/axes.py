"""Axes of costs, with their units."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt

from antcost.cost.measures import Measure, Unit, format_measure
from antcost.units import format_score

NUMBER = ",~f"
AXES: Mapping[Unit, tuple[str, int, str]] = {
    "count": ("", 1, "~s"),
    "bytes": (" (MiB)", 2**20, NUMBER),
    "time": (" (ms)", 10**9, NUMBER),
}
"""What stands after the name of a cost on its axis, the unit of its ticks, and their format."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The title of an axis and its values: multiples of `unit`, negative if little is good.

    `measure` says how to print them; None for what has no unit.
    """

    title: str
    unit: float
    form: str
    measure: Measure | None = None

    def of(self, value: float) -> float:
        """Return where a value is on the axis."""
        return value / self.unit

    def text(self, value: float) -> str:
        """Return the value as it is printed."""
        if self.measure is None:
            return format_score(self.of(value))
        count = round(self.of(value) * AXES[self.measure.unit][1])
        return format_measure(self.measure, count, exact=self.measure.unit == "count")

    def altair(self, suffix: str = "", **more: Any) -> alt.Axis:
        """Return the axis with this after its title."""
        return alt.Axis(title=f"{self.title}{suffix}", format=self.form, **more)


def axis_of(label: str, unit: Unit, measure: Measure | None = None) -> Axis:
    """Return the axis of what is counted in this unit."""
    suffix, one, form = AXES[unit]
    return Axis(f"{label}{suffix}", one, form, measure)


def measure_axis(measure: Measure) -> Axis:
    """Return the axis of a measure."""
    return axis_of(measure.label, measure.unit, measure)
