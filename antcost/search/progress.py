"""What is known of a search while it runs: the best so far, a bound, and how both moved."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from antcost.search.arrays import FloatArray

RELATIVE_ROUNDING = 1e-11


class TimeUpError(Exception):
    """The time limit is over."""


@dataclass(frozen=True, slots=True)
class Found:
    """A path within the limits: the arc it takes in each of the chain's steps, and its value."""

    path: tuple[int, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Moment:
    """The bounds at one time: the best value found and the most that is possible."""

    seconds: float
    lower: float
    upper: float


@dataclass(slots=True)
class Progress:
    """What a solver knows while it runs. `on_progress` is called whenever a bound has moved.

    Only paths of a higher value than `floor` are looked for. `examined` counts the paths that were
    followed to their end, `eliminated` is the share of transitions that no better path can take.
    """

    floor: float = -inf
    limit_s: float = inf
    on_progress: Callable[[], None] = lambda: None
    start: float = field(default_factory=time.perf_counter)
    best: Found | None = None
    upper: float = inf
    prices: FloatArray | None = None
    eliminated: float = 0.0
    examined: int = 0

    @property
    def lower(self) -> float:
        """The value of the best path so far, or the floor if that is higher."""
        return max(self.best.value, self.floor) if self.best else self.floor

    @property
    def rounding(self) -> float:
        """What is within the rounding of sums of floating-point numbers."""
        return rounding(self.lower, self.upper)

    @property
    def proven(self) -> bool:
        """Whether no path is worth more than the best one, or than the floor, beyond rounding."""
        return self.upper <= self.lower + self.rounding

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.start

    def stop_in_time(self) -> None:
        """Raise TimeUpError once the time limit is over."""
        if self.seconds > self.limit_s:
            raise TimeUpError

    def found(self, one: Found) -> None:
        """Keep a path if it is the best so far."""
        if one.value > self.lower:
            self.best = one
            self.upper = max(self.upper, one.value)
            self.on_progress()

    def bounded(self, upper: float) -> None:
        """Note that no path is worth more than this."""
        if upper < self.upper:
            self.upper = max(upper, self.lower)
            self.on_progress()


def rounding(*values: float) -> float:
    """Bound the error of sums of floating-point numbers of this size, with room to spare."""
    return RELATIVE_ROUNDING * max([0.0, *(abs(value) for value in values if abs(value) < inf)])
