"""The scales of a plot, and the labels of its points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING

from antcost.charts.placement import FONT, Anchor, Box, place
from antcost.charts.style import GRAY, values

if TYPE_CHECKING:
    import altair as alt

LOG_FROM = 4
MARGIN = 0.06


@dataclass(frozen=True, slots=True)
class Scale:
    """What an axis shows, and how many pixels it is long; logarithmic if that is a wide range."""

    low: float
    high: float
    pixels: float
    logs: bool

    def pixel(self, value: float) -> float:
        """Where a value is."""
        if self.logs:
            return self.pixels * log(value / self.low, self.high / self.low)
        return self.pixels * (value - self.low) / (self.high - self.low)

    def value(self, pixel: float) -> float:
        """What value is there: the inverse of `pixel`."""
        share = pixel / self.pixels
        if self.logs:
            return self.low * exp(share * log(self.high / self.low))
        return self.low + share * (self.high - self.low)

    def altair(self) -> alt.Scale:
        import altair as alt

        return alt.Scale(
            type="log" if self.logs else "linear",
            domain=[self.low, self.high],
            nice=False,
            zero=alt.Undefined if self.logs else False,
        )


def scale_of(numbers: Sequence[float], pixels: float) -> Scale:
    """From the least to the most, with a margin."""
    low, high = min(numbers), max(numbers)
    if low > 0 and high > LOG_FROM * low:
        factor = (high / low) ** MARGIN
        return Scale(low / factor, high * factor, pixels, True)
    margin = MARGIN * ((high - low) or abs(high) or 1)
    return Scale(low - margin, high + margin, pixels, False)


def labels(
    anchors: Sequence[Anchor],
    taken: Sequence[Box],
    across: Scale,
    up: Scale,
    x: alt.X,
    y: alt.Y,
) -> list[alt.Chart]:
    """The texts of points where there is room for them, and lines to those that are far away.

    Anchors and what is `taken` are in pixels from the left and from the top of the plot.
    """
    import altair as alt

    def value(px: float, py: float) -> tuple[float, float]:
        return across.value(px), up.value(up.pixels - py)

    texts, leaders = [], []
    spots = place(anchors, taken, Box(0, 0, across.pixels, up.pixels))
    for anchor, spot in zip(anchors, spots, strict=True):
        if spot is None:
            continue
        left, middle = value(spot.box.left, (spot.box.top + spot.box.bottom) / 2)
        texts.append({"x": left, "y": middle, "name": anchor.text, "color": anchor.color})
        if spot.leader is not None:
            (x1, y1), (x2, y2) = value(anchor.x, anchor.y), value(*spot.leader)
            leaders.append({"x": x1, "y": y1, "x2": x2, "y2": y2})
    lines = alt.Chart(values(leaders)).mark_rule(color=GRAY, strokeWidth=0.5)
    written = alt.Chart(values(texts)).mark_text(align="left", baseline="middle", fontSize=FONT)
    color = alt.Color("color:N", scale=None)
    return [
        lines.encode(x=x, y=y, x2="x2:Q", y2="y2:Q"),
        written.encode(x=x, y=y, text="name:N", color=color),
    ]
