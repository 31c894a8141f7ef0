"""The axes of the figures of searches, with their units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from antcost.cost.measures import Measure, Unit, format_measure
from antcost.search.objective import ENTROPY, SCORES, ZEN
from antcost.search.space import Space
from antcost.units import format_score

NUMBER = ",~f"
PLAIN_ZERO = "datum.value == 0 ? '0' : datum.label"
"""As a labelExpr: no 0M beside 20M."""

AXES: Mapping[Unit, tuple[str, int, str]] = {
    "count": ("", 1, "~s"),
    "bytes": (" (MiB)", 2**20, NUMBER),
    "time": (" (ms)", 10**9, NUMBER),
}
"""What stands behind a measure's name on its axis, the unit of its ticks, and their format."""

PROXY_TITLES = {ENTROPY: "entropy", ZEN: "Zen-score", SCORES: "score"}


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis shows: values in multiples of `unit`, which is negative if little is good.

    `measure` says how to print them; None for what has no unit.
    """

    title: str
    unit: float
    form: str
    measure: Measure | None = None

    def of(self, value: float) -> float:
        """Where a value is on the axis."""
        return value / self.unit

    def text(self, value: float) -> str:
        """The value as it is printed."""
        if self.measure is None:
            return format_score(self.of(value))
        count = round(self.of(value) * AXES[self.measure.unit][1])
        return format_measure(self.measure, count, exact=self.measure.unit == "count")


def axis_of(measure: Measure) -> Axis:
    """The axis of a measure."""
    unit, one, form = AXES[measure.unit]
    return Axis(f"{measure.label}{unit}", one, form, measure)


def worth_axis(space: Space) -> Axis:
    """The axis of the objective; a cost that is minimised is shown as the positive cost."""
    assert space.objective is not None
    weights = space.objective.weights
    name, weight = next(iter(weights.items()))
    if len(weights) > 1:
        return Axis(str(space.objective).removeprefix("max "), 1, NUMBER)
    if name in space.measures:
        measure = space.measures[name]
        axis = axis_of(measure)
        return Axis(axis.title, axis.unit * (-1 if measure.largest else weight), axis.form, measure)
    return Axis(PROXY_TITLES[name], weight, NUMBER)
