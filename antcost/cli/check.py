"""`antcost check`: what other tools count, explained to zero."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Option

from antcost.charts.files import check_figure, draw
from antcost.check.bridge import by_network
from antcost.check.comparison import Check
from antcost.check.tools import TOOLS
from antcost.cli import options
from antcost.cli.measurement import require_torch, run_tools
from antcost.cli.output import ExactOutput, emit
from antcost.errors import AntcostError, suggest
from antcost.sources.analyze import analyze
from antcost.sources.specs.catalog import expand
from antcost.tables.table import Table
from antcost.views.checks import Level, bridge_table, checks_table, places_table


def check(
    specs: options.Specs,
    by: Annotated[
        Level | None, Option(help="Also what tools report of each; CSV has these rows alone.")
    ] = None,
    require: Annotated[
        str | None, Option(metavar="A,B,...", help="Tools that have to be there and to count.")
    ] = None,
    figure: Annotated[
        Path | None, Option(metavar="FILE", help="Draw the waterfalls: .svg, .pdf or .png.")
    ] = None,
    set_: options.Set = None,
    *,
    to: ExactOutput,
) -> None:
    """Explain to zero what fvcore, thop, ptflops, torchinfo and others report of a network.

    Exit code 1 if a tool's number is not what its rules predict.
    """
    if figure is not None:
        check_figure(figure)
    required = _required(require)
    require_torch()
    references = [reference for argument in specs for reference in expand(argument)]
    costs = [analyze(reference, set_ or ()) for reference in references]
    checks, interrupted = run_tools(costs)
    counted = [group for group in by_network(checks) if any(one.whole for one in group)]
    if counted:
        shown = [one for group in counted for one in group]
        details: list[Table[Any]] = []
        for group in counted:
            details += [bridge_table(group), *([places_table(group, by)] if by else [])]
        main = places_table(shown, by) if by and to.format_ == "csv" else checks_table(shown, by)
        emit(main, to, details)
        if figure is not None:
            from antcost.charts.waterfalls import waterfalls

            draw(waterfalls(shown), figure)
    if interrupted:
        done = f"{len(checks)} of {len(costs) * len(TOOLS)}"
        typer.echo(f"interrupted after {done} counts", err=True)
        raise typer.Exit(130)
    _fail_for_missing(checks, ["torch", *required])
    if not all(one.agrees for one in checks):
        raise typer.Exit(1)


def _required(names: str | None) -> list[str]:
    required = [name.strip() for name in names.split(",")] if names else []
    for name in required:
        if name not in TOOLS:
            raise AntcostError(f"--require: no tool {name!r}; {suggest(name, TOOLS)}")
    return required


def _fail_for_missing(checks: list[Check], required: list[str]) -> None:
    problems = dict.fromkeys(
        f"{one.cost.graph.name}, {one.tool.name}: {one.problem}"
        for one in checks
        if one.tool.name in required and one.whole is None
    )
    if problems:
        raise AntcostError("\n".join(problems))
