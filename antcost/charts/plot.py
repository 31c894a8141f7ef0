"""Plots of points over two numeric axes, with labels that cover nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any

import altair as alt

from antcost.charts.placement import Anchor, Box, place, steps
from antcost.charts.style import BLUE, GRAY, chart_of

LOG_FROM = 4
MARGIN = 0.06
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scale:
    """The range of an axis and its length in pixels; logarithmic if that is a wide range."""

    low: float
    high: float
    pixels: float
    logs: bool

    def pixel(self, value: float) -> float:
        """Return where a value is."""
        if self.logs:
            return self.pixels * log(value / self.low, self.high / self.low)
        return self.pixels * (value - self.low) / (self.high - self.low)

    def value(self, pixel: float) -> float:
        """Return which value is there: the inverse of `pixel`."""
        share = pixel / self.pixels
        if self.logs:
            return self.low * exp(share * log(self.high / self.low))
        return self.low + share * (self.high - self.low)

    def altair(self) -> alt.Scale:
        return alt.Scale(
            type="log" if self.logs else "linear",
            domain=[self.low, self.high],
            nice=False,
            zero=alt.Undefined if self.logs else False,
        )


def scale_of(numbers: Sequence[float], pixels: float) -> Scale:
    """Return a scale from the least to the most, with a margin."""
    low, high = min(numbers), max(numbers)
    if low > 0 and high > LOG_FROM * low:
        factor = (high / low) ** MARGIN
        return Scale(low / factor, high * factor, pixels, True)
    margin = MARGIN * ((high - low) or abs(high) or 1)
    return Scale(low - margin, high + margin, pixels, False)


@dataclass(frozen=True, slots=True)
class Plot:
    """Two scales and their axes; rows have the fields x and y."""

    across: Scale
    up: Scale
    x_axis: alt.Axis
    y_axis: alt.Axis

    def pixel(self, row: Row) -> tuple[float, float]:
        """Return where a row is, from the left and from the top."""
        return self.across.pixel(row["x"]), self.up.pixels - self.up.pixel(row["y"])

    def at(self, px: float, py: float) -> dict[str, Any]:
        """Return a row that is there: the inverse of `pixel`."""
        return {"x": self.across.value(px), "y": self.up.value(self.up.pixels - py)}

    def rows(self, rows: Iterable[Row]) -> Any:
        """Return a chart of the rows where they are, without a mark."""
        x = alt.X("x:Q", scale=self.across.altair(), axis=self.x_axis)
        y = alt.Y("y:Q", scale=self.up.altair(), axis=self.y_axis)
        return chart_of(rows).encode(x=x, y=y)

    def dots(self, rows: Iterable[Row], size: int) -> Any:
        """Return circles in the colours that the rows have as fill and stroke."""
        marks = self.rows(rows).mark_point(shape="circle", size=size, strokeWidth=1, opacity=1)
        fill, stroke = alt.Fill("fill:N", scale=None), alt.Stroke("stroke:N", scale=None)
        return marks.encode(fill=fill, stroke=stroke)

    def stairs(self, rows: Sequence[Row]) -> tuple[alt.Chart, list[Box]]:
        """Return a line from each row to the right, then up to the next one, and its boxes."""
        line = self.rows(rows).mark_line(interpolate="step-after", color=BLUE, strokeWidth=1.2)
        return line, list(steps([self.pixel(row) for row in rows]))

    def labels(
        self, anchors: Sequence[Anchor], taken: Sequence[Box] = (), halo: bool = False
    ) -> list[alt.Chart]:
        """Return the texts of points where there is room, and lines to those that are far away.

        A halo keeps them legible on any ground.
        """
        texts, leaders = [], []
        spots = place(anchors, taken, Box(0, 0, self.across.pixels, self.up.pixels))
        for anchor, spot in zip(anchors, spots, strict=True):
            if spot is None:
                continue
            middle = (spot.box.top + spot.box.bottom) / 2
            text = {"name": anchor.text, "color": anchor.color}
            texts.append(self.at(spot.box.left, middle) | text)
            if spot.leader is not None:
                end = self.at(*spot.leader)
                leaders.append(self.at(anchor.x, anchor.y) | {"x2": end["x"], "y2": end["y"]})
        lines = self.rows(leaders).mark_rule(color=GRAY, strokeWidth=0.5)
        written = self.rows(texts).encode(text="name:N")
        white = {"stroke": "white", "strokeWidth": 2.5, "strokeJoin": "round"}
        return [
            lines.encode(x2="x2:Q", y2="y2:Q"),
            *([written.mark_text(align="left", **white)] if halo else []),
            written.mark_text(align="left").encode(color=alt.Color("color:N", scale=None)),
        ]

    def chart(self, layers: Iterable[alt.Chart], **properties: Any) -> alt.LayerChart:
        """Return the layers, the first below the others."""
        return alt.LayerChart(
            layer=list(layers),
            width=self.across.pixels,
            height=self.up.pixels,
            **properties,
        )
