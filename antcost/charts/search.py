"""A search in figures: how its bounds closed in, and what it found, stage by stage."""

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

import altair as alt

from antcost.charts.axes import NUMBER, Axis, measure_axis
from antcost.charts.style import BLUE, GRAY, ORANGE, RULE, STYLE, chart_of, colors_of
from antcost.cost.analysis import NetCost
from antcost.search.objective import ENTROPY, SCORES, ZEN
from antcost.search.progress import Moment
from antcost.search.result import SearchResult
from antcost.search.space import Space
from antcost.sources.specs.overrides import RESOLUTION
from antcost.units import format_count
from antcost.views.architecture import SYMBOLS

WIDTH, HEIGHT = 330, 110
IN_SIGHT = 0.35
"""Of the time, from the left on: bounds that were as wide only there may be cut off."""
LOG_FROM = 3
PANEL, ROW = 95, 17
PROXY_TITLES = {ENTROPY: "entropy", ZEN: "Zen-score", SCORES: "score"}
LINES = {"bound": ORANGE, "best found": BLUE}
NETWORKS = {"base": GRAY, "best": BLUE}
PLAIN_ZERO = "datum.value == 0 ? '0' : datum.label"
"""As a labelExpr: no 0M beside 20M."""


def objective_axis(space: Space) -> Axis:
    """Return the axis of the objective; a cost that is minimised is shown as the positive cost."""
    assert space.objective is not None
    weights = space.objective.weights
    name, weight = next(iter(weights.items()))
    if len(weights) > 1:
        return Axis(str(space.objective).removeprefix("max "), 1, NUMBER)
    if name in space.measures:
        axis = measure_axis(space.measures[name])
        return replace(axis, unit=axis.unit * (-1 if space.measures[name].largest else weight))
    return Axis(PROXY_TITLES[name], weight, NUMBER)


def search_figure(report: SearchResult, base: NetCost, best: NetCost) -> alt.VConcatChart:
    """Draw how the bounds closed in, above what the best network costs beside its base, by stage.

    `base` and `best` are the costs of the network that the space starts from and of the best one.
    """
    return alt.VConcatChart(
        vconcat=[_closing_in(report), _stage_by_stage(report, base, best)],
        spacing=24,
        resolve=alt.Resolve(scale=alt.ScaleResolveMap(color="independent")),
        config=STYLE,
    )


# How the bounds closed in


def _closing_in(report: SearchResult) -> alt.LayerChart:
    """Draw the value of the best network so far and the bound, over time."""
    axis = objective_axis(report.space)
    moments = _moments(report)
    start, end = moments[0].seconds, moments[-1].seconds
    logs = end > LOG_FROM * start
    rows = [
        {
            "seconds": moment.seconds,
            "best": axis.of(moment.lower) if isfinite(moment.lower) else None,
            "bound": axis.of(moment.upper) if isfinite(moment.upper) else None,
        }
        for moment in moments
    ]
    x_scale = alt.Scale(
        type="log" if logs else "linear", domain=[start if logs else 0, end], nice=False
    )
    x = alt.X(
        "seconds:Q", title="time (s)", scale=x_scale, axis=alt.Axis(format=NUMBER, tickCount=6)
    )
    in_sight = start * (end / start) ** IN_SIGHT if logs else end * IN_SIGHT
    y_scale = alt.Scale(domain=_domain(rows, in_sight), nice=False, zero=False)
    look: dict[str, Any] = {"interpolate": "step-after", "clip": True}

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", scale=y_scale, axis=axis.altair(tickCount=5))

    def line(field: str, name: str, dash: list[int]) -> Any:
        color = alt.Color("line:N", title=None, scale=colors_of(LINES))
        mark = chart_of(rows).mark_line(strokeWidth=1.5, strokeDash=dash, **look)
        return mark.transform_calculate(line=repr(name)).encode(x=x, y=y(field), color=color)

    between = chart_of(row for row in rows if None not in row.values())
    area = between.mark_area(color=RULE, opacity=1, **look)
    return alt.LayerChart(
        layer=[
            area.encode(x=x, y=y("bound"), y2="best:Q"),
            line("bound", "bound", [4, 2]),
            line("best", "best found", [1, 0]),
        ],
        width=WIDTH,
        height=HEIGHT,
        title=_verdict(report, axis),
    )


def _moments(report: SearchResult) -> list[Moment]:
    """Return the history from the first bound on, and how it ended."""
    moments = [
        Moment(max(moment.seconds, 1e-3), moment.lower, moment.upper)
        for moment in report.history
        if isfinite(moment.lower) or isfinite(moment.upper)
    ]
    last = max([report.seconds, 1e-3, *(moment.seconds for moment in moments)])
    return [*moments, Moment(last, report.lower, report.upper)]


def _domain(rows: Sequence[dict[str, Any]], in_sight: float) -> list[float]:
    """Return the least and the most value from some time on, with a margin."""
    first = max((i for i, row in enumerate(rows) if row["seconds"] <= in_sight), default=0)
    shown = [row[field] for row in rows[first:] for field in ("best", "bound")]
    values = [value for value in shown if value is not None]
    low, high = min(values), max(values)
    margin = 0.06 * (high - low) or 0.01 * abs(high) or 1
    return [low - margin, high + margin]


def _verdict(report: SearchResult, axis: Axis) -> str:
    """Return how the search ended, in words."""
    parts = [f"best found {axis.text(report.lower)}"]
    if report.proven:
        parts.append("proven")
    elif isfinite(report.upper):
        parts.append(f"bound {axis.text(report.upper)}")
        if isfinite(report.gap):
            parts.append(f"gap {100 * report.gap:.2g} %")
    return ", ".join(parts)


# What the best network costs


def _stage_by_stage(report: SearchResult, base: NetCost, best: NetCost) -> alt.HConcatChart:
    """Draw MAdds and parameters of each stage in pairs of bars, beside what was changed in it."""
    costs = {"base": base, "best": best}
    rows: list[dict[str, Any]] = [
        {"stage": row.name, "network": network, "madds": row.madds, "params": row.params}
        for network, cost in costs.items()
        for row in cost.by("stage")
    ]
    names = list(dict.fromkeys(row["stage"] for row in rows))

    def y(labels: bool) -> alt.Y:
        axis = alt.Axis(ticks=False, domain=False, labels=labels, labelPadding=4)
        return alt.Y(
            "stage:N", title=None, axis=axis, scale=alt.Scale(domain=names, paddingInner=0.25)
        )

    def bars(field: str, title: str, labels: bool) -> Any:
        axis = alt.Axis(format="~s", labelExpr=PLAIN_ZERO, tickCount=3)
        totals = (f"{name} {format_count(getattr(cost, field))}" for name, cost in costs.items())
        marks = chart_of(rows).mark_bar()
        return marks.encode(
            x=alt.X(f"{field}:Q", title=title, axis=axis),
            y=y(labels),
            yOffset=alt.YOffset("network:N", sort=list(NETWORKS)),
            color=alt.Color(
                "network:N", title=None, scale=colors_of(NETWORKS), legend=alt.Legend(orient="top")
            ),
        ).properties(width=PANEL, height=ROW * len(names), title=", ".join(totals))

    texts = chart_of(
        {"stage": stage, "change": ", ".join(parts)} for stage, parts in changes(report).items()
    )
    whole = alt.Title(", ".join(_outer_changes(report)), anchor="start")
    written = texts.mark_text(align="left").properties(height=ROW * len(names), title=whole)
    return alt.HConcatChart(
        hconcat=[
            bars("madds", "MAdds", True),
            bars("params", "params", False),
            written.encode(x=alt.value(0), y=y(False), text="change:N"),
        ],
        spacing=14,
    )


def changes(report: SearchResult) -> dict[str, list[str]]:
    """Return what the best network has otherwise than the base, by stage.

    For example {"ant3": ["k 3→5", "n 3→4"]}, with the symbols of papers.
    """
    found: dict[str, list[str]] = {}
    for variable in report.space.variables:
        assert variable.stage is not None
        stage = report.space.base.stages[variable.stage]
        symbol = SYMBOLS.get(variable.field, (variable.field,))[0]
        before = getattr(stage, variable.field, None)
        change = _change(symbol, before, report.chosen.values[variable.path])
        found.setdefault(stage.name, []).extend(change)
    return {stage: texts for stage, texts in found.items() if texts}


def _outer_changes(report: SearchResult) -> list[str]:
    """Return what the whole network has otherwise: ["width 1→0.5"]."""
    base, found = report.space.base, []
    for path in (variable.path for variable in report.space.outer):
        before = base.input[-1] if path == RESOLUTION else getattr(base, path)
        found += _change(path, before, report.chosen.values[path])
    return found


def _change(name: str, before: Any, after: Any) -> list[str]:
    """Return "r 8→none", for example; nothing if both are the same."""
    texts = _word(before), _word(after)
    return [f"{name} {'→'.join(texts)}"] if texts[0] != texts[1] else []


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
