"""A search in figures: how its bounds closed in, and what it found, stage by stage."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any

from antcost.charts.axes import NUMBER, PLAIN_ZERO, Axis, worth_axis
from antcost.charts.placement import FONT, text_width
from antcost.charts.style import BLUE, GRAY, GRAY_TEXT, ORANGE, RULE, style, values
from antcost.cost.analysis import NetCost
from antcost.search.progress import Moment
from antcost.search.run import SearchResult
from antcost.sources.specs.overrides import RESOLUTION
from antcost.units import format_count

if TYPE_CHECKING:
    import altair as alt

WIDTH, HEIGHT = 330, 110
IN_SIGHT = 0.35
LOG_FROM = 3
LABEL_GAP = 10.0
PANEL, CHANGES_WIDTH = 95, 190
BAR_ROW, LINE = 17, 9
LETTERS = {
    "channels": "c",
    "repeat": "n",
    "expansion": "t",
    "kernel": "k",
    "reduction": "r",
    "groups": "g",
}
"""How papers abbreviate the fields of stages, in the order of their tables."""


def search_figure(report: SearchResult, base: NetCost, best: NetCost) -> alt.VConcatChart:
    """How the bounds closed in, above what the best network costs beside its base, by stage.

    `base` and `best` are the costs of the network that the space starts from and of the best one.
    """
    import altair as alt

    chart: alt.VConcatChart = alt.vconcat(
        _closing_in(report), _stage_by_stage(report, base, best), spacing=24
    ).configure(**style())
    return chart


# How the bounds closed in


def _closing_in(report: SearchResult) -> alt.LayerChart:
    """The value of the best network so far and the bound, over time."""
    import altair as alt

    axis = worth_axis(report.space)
    moments = _moments(report)
    start, end = moments[0].seconds, moments[-1].seconds
    logs = end > LOG_FROM * start
    low, high = _in_sight(moments, axis, logs)
    time_scale = alt.Scale(
        type="log" if logs else "linear", domain=[start if logs else 0, end], nice=False
    )
    x = alt.X(
        "seconds:Q",
        title="time (s)",
        scale=time_scale,
        axis=alt.Axis(format=NUMBER, tickCount=6, labelOverlap="greedy", labelSeparation=6),
    )
    y_scale = alt.Scale(domain=[low, high], nice=False, zero=False)
    y_axis = alt.Axis(format=axis.form, tickCount=5)

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title=axis.title, scale=y_scale, axis=y_axis)

    def line(field: str, color: str, dash: list[int]) -> alt.Chart:
        rows = [row for row in points if row[field] is not None]
        mark = alt.Chart(values(rows)).mark_line(
            interpolate="step-after", color=color, strokeWidth=1.5, strokeDash=dash, clip=True
        )
        chart: alt.Chart = mark.encode(x=x, y=y(field))
        return chart

    points = [
        {
            "seconds": moment.seconds,
            "best": axis.of(moment.lower) if isfinite(moment.lower) else None,
            "bound": axis.of(moment.upper) if isfinite(moment.upper) else None,
        }
        for moment in moments
    ]
    between = [row for row in points if None not in row.values()]
    area = (
        alt.Chart(values(between))
        .mark_area(interpolate="step-after", color=RULE, opacity=1, clip=True)
        .encode(x=x, y=y("bound"), y2="best:Q")
    )
    ends = [
        {"seconds": end, "value": points[-1][field], "color": color}
        for field, color in (("bound", ORANGE), ("best", BLUE))
        if points[-1][field] is not None
    ]
    dots = (
        alt.Chart(values(ends))
        .mark_point(shape="circle", size=18, filled=True, opacity=1)
        .encode(x=x, y=y("value"), color=alt.Color("color:N", scale=None))
    )
    layers = [
        area, line("bound", ORANGE, [4, 2]), line("best", BLUE, [1, 0]), dots,
        _end_labels(report, axis, (low, high)),
    ]  # fmt: skip
    chart: alt.LayerChart = alt.LayerChart(layer=layers).properties(width=WIDTH, height=HEIGHT)
    return chart


def _moments(report: SearchResult) -> list[Moment]:
    """The history from the first bound on, and how it ended."""
    moments = [
        Moment(max(moment.seconds, 1e-3), moment.lower, moment.upper)
        for moment in report.history
        if isfinite(moment.lower) or isfinite(moment.upper)
    ]
    last = max([report.seconds, 1e-3, *(moment.seconds for moment in moments)])
    return [*moments, Moment(last, report.lower, report.upper)]


def _in_sight(moments: Sequence[Moment], axis: Axis, logs: bool) -> tuple[float, float]:
    """The values that are drawn: all that come after the first third of the width."""
    start, end = moments[0].seconds, moments[-1].seconds
    from_on = start * (end / start) ** IN_SIGHT if logs else end * IN_SIGHT
    after = [next_ for _, next_ in pairwise(moments) if next_.seconds > from_on] or [moments[-1]]
    before = [moment for moment in moments if moment.seconds <= from_on]
    shown = [*before[-1:], *after]
    values = [axis.of(v) for m in shown for v in (m.lower, m.upper) if isfinite(v)]
    low, high = min(values), max(values)
    margin = 0.06 * (high - low) or 0.01 * abs(high) or 1
    return low - margin, high + margin


def _end_labels(report: SearchResult, axis: Axis, shown: tuple[float, float]) -> alt.Chart:
    """Right of where the lines end: what they are, and the last values."""
    import altair as alt

    low, high = shown

    def height(value: float) -> float:
        return HEIGHT * (high - axis.of(value)) / (high - low)

    value = axis.text(report.lower)
    if report.proven:
        labels = [
            ("bound", ORANGE, height(report.lower)),
            ("best found", BLUE, height(report.lower)),
            (f"{value}, proven", GRAY_TEXT, height(report.lower)),
        ]
    else:
        labels = [(f"best found {value}", BLUE, height(report.lower))]
        if isfinite(report.upper):
            labels.append((f"bound {axis.text(report.upper)}", ORANGE, height(report.upper)))
        if isfinite(report.gap):
            middle = (labels[0][2] + labels[-1][2]) / 2
            labels.append((f"gap {100 * report.gap:.2g} %", GRAY_TEXT, middle))
        labels.sort(key=lambda label: label[2])
    heights = _apart([y for *_, y in labels], 4, HEIGHT - 4)
    rows = [
        {"label": text, "color": color, "y": high - y / HEIGHT * (high - low)}
        for (text, color, _), y in zip(labels, heights, strict=True)
    ]
    mark = alt.Chart(values(rows)).mark_text(align="left", fontSize=FONT)
    color = alt.Color("color:N", scale=None)
    chart: alt.Chart = mark.encode(x=alt.value(WIDTH + 5), y="y:Q", text="label:N", color=color)
    return chart


def _apart(heights: Sequence[float], least: float, most: float) -> list[float]:
    """Heights of labels in this order, moved as far as they would overlap, or be outside."""
    placed = list(heights)
    for _ in range(10 * len(placed)):
        for i, (upper, lower) in enumerate(pairwise(placed)):
            push = max(0.0, (LABEL_GAP - (lower - upper)) / 2)
            placed[i], placed[i + 1] = upper - push, lower + push
    inside = min(0.0, most - placed[-1]) or max(0.0, least - placed[0])
    return [height + inside for height in placed]


# What the best network costs


def _stage_by_stage(report: SearchResult, base: NetCost, best: NetCost) -> alt.HConcatChart:
    """MAdds and parameters of each stage in pairs of bars, and what was changed in it."""
    import altair as alt

    rows = _stages(base, best)
    texts = {name: _lines(parts) for name, parts in changes(report).items()}
    most_lines = max([1, *(len(lines) for lines in texts.values())])
    height = max(BAR_ROW, LINE * most_lines + 4) * len(rows)
    names = list(rows)

    def y(labels: bool) -> alt.Y:
        axis = alt.Axis(ticks=False, domain=False, labels=labels, labelPadding=4)
        return alt.Y(
            "stage:N",
            title=None,
            axis=axis,
            scale=alt.Scale(domain=names, paddingInner=0.25),
        )

    def panel(field: str, title: str, labels: bool) -> alt.LayerChart:
        whole = {"base": getattr(base, field), "best": getattr(best, field)}
        bars = [
            {"stage": name, "network": network, "count": counts[network, field]}
            for name, counts in rows.items()
            for network in whole
        ]
        marks = (
            alt.Chart(values(bars))
            .mark_bar()
            .encode(
                x=alt.X(
                    "count:Q",
                    title=title,
                    axis=alt.Axis(
                        format="~s",
                        labelExpr=PLAIN_ZERO,
                        tickCount=3,
                        labelOverlap="greedy",
                        labelSeparation=6,
                    ),
                ),
                y=y(labels),
                yOffset=alt.YOffset("network:N", sort=list(whole)),
                color=alt.Color(
                    "network:N",
                    scale=alt.Scale(domain=list(whole), range=[GRAY, BLUE]),
                    legend=None,
                ),
            )
        )
        heads = [
            _head(f"base: {format_count(whole['base'])}", -16, GRAY_TEXT),
            _head(f"best: {format_count(whole['best'])}", -6, BLUE),
        ]
        chart: alt.LayerChart = alt.LayerChart(layer=[marks, *heads]).properties(
            width=PANEL, height=height
        )
        return chart

    written = [
        alt.Chart(values([{"stage": name, "change": "\n".join(lines)}]))
        .mark_text(
            align="left",
            baseline="middle",
            fontSize=FONT,
            lineBreak="\n",
            lineHeight=LINE,
            dy=-LINE * (len(lines) - 1) / 2,
        )
        .encode(x=alt.value(0), y=y(False), text="change:N")
        for name, lines in texts.items()
    ]
    whole_network = ", ".join(_outer_changes(report))
    column = alt.LayerChart(layer=[_head(whole_network, -6, "black"), *written]).properties(
        width=CHANGES_WIDTH, height=height
    )
    chart: alt.HConcatChart = alt.hconcat(
        panel("madds", "MAdds", True), panel("params", "params", False), column, spacing=14
    )
    return chart


def _stages(base: NetCost, best: NetCost) -> dict[str, dict[tuple[str, str], int]]:
    """The counts of each stage in both networks; those of several blocks are summed."""
    rows: dict[str, dict[tuple[str, str], int]] = {}
    for network, cost in (("base", base), ("best", best)):
        for row in cost.by("stage"):
            counts = rows.setdefault(
                row.name, {(n, f): 0 for n in ("base", "best") for f in ("madds", "params")}
            )
            counts[network, "madds"] += row.madds
            counts[network, "params"] += row.params
    return rows


def _head(text: str, y: float, color: str) -> alt.Chart:
    """A line above a panel."""
    import altair as alt

    mark = alt.Chart(values([{"head": text}])).mark_text(align="left", fontSize=FONT, color=color)
    chart: alt.Chart = mark.encode(x=alt.value(0), y=alt.value(y), text="head:N")
    return chart


def changes(report: SearchResult) -> dict[str, list[str]]:
    """What the best network has otherwise than the base, by stage: {"ant3": ["k 3→5", "n 3→4"]}."""
    found: dict[str, dict[str, str]] = {}
    for variable in report.space.variables:
        assert variable.stage is not None
        stage = report.space.base.stages[variable.stage]
        change = _change(getattr(stage, variable.field, None), report.chosen.values[variable.path])
        if change:
            name = LETTERS.get(variable.field, variable.field)
            found.setdefault(stage.name, {})[name] = f"{name} {change}"
    order = list(LETTERS.values())
    return {
        stage: [texts[n] for n in sorted(texts, key=lambda n: order.index(n) if n in order else 99)]
        for stage, texts in found.items()
    }


def _outer_changes(report: SearchResult) -> list[str]:
    base = report.space.base
    texts = (
        (
            variable.path,
            _change(
                base.input[-1] if variable.path == RESOLUTION else getattr(base, variable.path),
                report.chosen.values[variable.path],
            ),
        )
        for variable in report.space.outer
    )
    return [f"{path} {change}" for path, change in texts if change]


def _change(before: Any, after: Any) -> str:
    """For example "8→none"; nothing if both are the same."""
    texts = _word(before), _word(after)
    return "" if texts[0] == texts[1] else "→".join(texts)


def _word(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case tuple() | list():
            return f"[{', '.join(map(_word, value))}]"
        case _:
            return f"{value:g}" if isinstance(value, float) else str(value)


def _lines(parts: Sequence[str]) -> list[str]:
    """The parts with commas between them, in lines that are at most as wide as their column."""
    lines: list[str] = []
    for part in parts:
        longer = f"{lines[-1]}, {part}" if lines else part
        if lines and text_width(longer) <= CHANGES_WIDTH:
            lines[-1] = longer
        else:
            lines[-1:] = [f"{lines[-1]},", part] if lines else [part]
    return lines
