"""`antcost latency --by`: where the time of one network goes."""

from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import typer

from antcost.charts.files import draw, linked
from antcost.cli.output import Output, emit
from antcost.cli.progress import meter
from antcost.cost.analysis import Level, NetCost
from antcost.errors import AntcostError
from antcost.files import write_whole
from antcost.measure.breakdown import STEPS, Breakdown, break_down
from antcost.measure.engines import Engine, Settings
from antcost.tables.formats import Format, render
from antcost.views.layer_times import layer_times_table


@dataclass(frozen=True, slots=True)
class View:
    """How a breakdown is printed, and the files that it goes to."""

    exact: bool
    format: Format
    figure: Path | None
    output: Path | None


def show_breakdown(
    cost: NetCost, engine: Engine, settings: Settings, limit_s: float, by: Level, view: View
) -> None:
    """Measure, print the table, and write its numbers and the figure.

    Raises AntcostError if a figure would have nothing to show.
    """
    if view.figure is not None and not cost.madds:
        raise AntcostError(f"{cost.graph.name}: a roofline is of layers with multiply-adds")
    breakdown = _measured(cost, engine, settings, limit_s)
    table = layer_times_table(breakdown, by)
    if view.output is not None:
        write_whole(view.output, f"{render(table, 'json')}\n")
    if view.figure is not None:
        from antcost.charts.roofline import roofline_figure

        draw(roofline_figure(breakdown, by), view.figure)
        table = replace(table, figure=linked(view.figure, None))
    emit(table, Output(view.exact, view.format, None))


def _measured(cost: NetCost, engine: Engine, settings: Settings, limit_s: float) -> Breakdown:
    """Measure with a bar on a terminal."""
    steps = count()
    try:
        with meter("measuring", STEPS) as show:
            return break_down(cost, engine, settings, limit_s, lambda what: show(next(steps), what))
    except KeyboardInterrupt:
        typer.echo("interrupted before everything was measured", err=True)
        raise typer.Exit(130) from None
