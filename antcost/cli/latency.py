"""`antcost latency`: what the clock says of networks that are measured side by side."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from typer import BadParameter, Context, Option

from antcost.charts.files import check_figure, draw, linked
from antcost.cli import options
from antcost.cli.batch import read_each
from antcost.cli.measurement import (
    EngineOptions,
    require_packages,
    run_breakdown,
    run_measurement,
)
from antcost.cli.output import Printing, emit
from antcost.cost.analysis import Level
from antcost.cost.device import Device, load_device
from antcost.errors import AntcostError, suggest
from antcost.files import require_writable, write_whole
from antcost.measure.breakdown import Breakdown
from antcost.measure.engines import find_engine
from antcost.measure.lineup import with_reference
from antcost.measure.recording import Recording, find_name, load_recording, to_json
from antcost.measure.statistics import Stat
from antcost.measure.timing import Goal
from antcost.sources.analyze import analyze
from antcost.sources.network import Network, load_network
from antcost.tables.formats import render
from antcost.views.latency import latency_table
from antcost.views.layer_times import layer_times_table
from antcost.views.predictions import PredictedNetwork, predictions_table

MEASURING = (
    "specs", "set_", "engine", "threads", "batch", "dtype", "no_fold", "target", "time_limit",
    "seed", "by", "output",
)  # fmt: skip
"""Parameters that are of no use where nothing is measured."""

COMPARING = ("target", "seed", "stat", "baseline", "scatter")
"""Parameters that are of no use where nothing is compared."""


@dataclass(frozen=True, slots=True)
class Display:
    """How what was measured is compared and drawn."""

    stat: Annotated[
        Stat, Option(help="Median, or the ANTNets paper's mean without fastest and slowest run.")
    ] = "median"
    baseline: Annotated[
        str | None, Option(metavar="NAME", help="Say how many times faster than this network.")
    ] = None
    figure: Annotated[
        Path | None,
        Option(
            metavar="FILE", help="Draw all runs of each, or --by as roofline: .svg, .pdf, .png."
        ),
    ] = None
    scatter: Annotated[
        Path | None, Option(metavar="FILE", help="Draw time against MAdds, traffic and params.")
    ] = None


def latency(
    context: Context,
    specs: options.OptionalSpecs = None,
    set_: options.Set = None,
    device: options.Device = None,
    *,
    run: EngineOptions,
    no_fold: Annotated[
        bool, Option("--no-fold", help="Batch norm as layers, not folded into convolutions.")
    ] = False,
    target: Annotated[
        str, Option(metavar="PERCENT", help="Stop when every 95 % interval is narrower than this.")
    ] = "2%",
    time_limit: Annotated[
        float, Option(metavar="SECONDS", min=0.1, max=1e6, help="Stop measuring then.")
    ] = 60.0,
    seed: Annotated[int, Option(help="Of the order of runs.")] = 0,
    from_: Annotated[
        Path | None, Option("--from", metavar="FILE", help="Show what was measured before.")
    ] = None,
    by: Annotated[
        Level | None, Option(help="Where the time of one network goes; what a row is.")
    ] = None,
    display: Display,
    to: Printing,
    output: Annotated[
        Path | None,
        Option("-o", "--output", metavar="FILE", help="Write the raw samples, as JSON."),
    ] = None,
) -> None:
    """Time networks on this machine, and say how many times faster than one of them they are.

    They take turns in random order until the intervals of all speed-ups are narrow. A network that
    fails is reported at the end, with exit code 1, or 2 if there are no others. With --by, what
    each layer of one network takes, beside what the machine could do at best. With --device,
    nothing is measured.
    """
    if device is not None:
        unused = {*MEASURING, *COMPARING, "from_", "figure"} - {"specs", "set_"}
        _refuse(context, unused, "--device predicts")
        _predict(specs or [], set_, device, to)
        return
    require_packages(*([] if from_ else ["psutil"]))
    if output is not None:
        require_writable(output)
    for drawing in filter(None, (display.figure, display.scatter)):
        check_figure(drawing)
    if from_ is not None:
        _refuse(context, MEASURING, "--from shows what was measured")
        _show(load_recording(from_), display, to)
        return
    if not specs:
        raise BadParameter("name networks to measure, or show a recording: --from FILE")
    settings = run.settings(fold=not no_fold)
    found = find_engine(run.engine, settings)
    goal = Goal(options.read_share("--target", target), time_limit)
    if not 0 < goal.target < 1:
        raise AntcostError(f"--target {target}: expected a percentage above 0 % and below 100 %")
    if by is not None:
        _refuse(context, COMPARING, "--by shows one network by itself")
        if len(specs) > 1:
            raise BadParameter(f"--by shows one network, not {len(specs)}")
        cost = analyze(specs[0], set_ or ())
        if display.figure is not None and not cost.madds:
            raise AntcostError(f"{cost.graph.name}: a roofline is of layers with multiply-adds")
        breakdown = run_breakdown(cost, found, settings, time_limit)
        _show_breakdown(breakdown, by, display.figure, output, to)
        return
    with read_each(specs, lambda name: load_network(name, set_ or ()), all_failed=2) as asked:
        if asked:
            lineup = with_reference(asked, _asked_baseline(asked, display.baseline, set_))
            if display.scatter is not None:
                from antcost.charts.latency import require_enough

                require_enough(len({*range(len(asked)), lineup.baseline}))
            recording = run_measurement(lineup, found, settings, goal, seed)
            if output is not None:
                write_whole(output, to_json(recording))
            _show(recording, replace(display, baseline=None), to)
            if recording.stopped == "interrupted":
                raise typer.Exit(130)


def _asked_baseline(
    asked: list[Network], name: str | None, overrides: list[str] | None
) -> Network | None:
    """Return the network of this name: one of those that were asked for, or another one."""
    if name is None:
        return None
    found = find_name(asked, name)
    return load_network(name, overrides or ()) if found is None else asked[found]


def _refuse(context: Context, parameters: Collection[str], because: str) -> None:
    """Raise AntcostError if one of these parameters was given."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name in parameters and source is not None and source.name == "COMMANDLINE":
            name = parameter.opts[0] if parameter.opts[0].startswith("-") else "SPEC"
            raise AntcostError(f"{because}: it goes without {name}")


def _predict(specs: list[str], overrides: list[str] | None, path: Path, to: Printing) -> None:
    """Print what a device file says of the networks."""
    if not specs:
        raise BadParameter("name networks to predict")
    device = load_device(path)
    with read_each(specs, lambda name: _predicted(name, overrides, device), all_failed=2) as rows:
        if rows:
            emit(predictions_table(rows), to)


def _predicted(reference: str, overrides: list[str] | None, device: Device) -> PredictedNetwork:
    network = load_network(reference, overrides or ())
    return PredictedNetwork(network, device.predict(network.cost))


def _show_breakdown(
    breakdown: Breakdown, by: Level, figure: Path | None, output: Path | None, to: Printing
) -> None:
    """Print the table, and write its numbers and the figure."""
    table = layer_times_table(breakdown, by)
    if output is not None:
        write_whole(output, f"{render(table, 'json')}\n")
    if figure is not None:
        from antcost.charts.roofline import roofline_figure

        draw(roofline_figure(breakdown, by), figure)
        table = replace(table, figure=linked(figure, None))
    emit(table, to)


def _show(recording: Recording, display: Display, to: Printing) -> None:
    """Print the table, then draw: everything from the recording alone."""
    base, stat = _baseline(recording, display.baseline), display.stat
    figure = linked(display.figure, None) if display.figure else ""
    emit(replace(latency_table(recording, baseline=base, stat=stat), figure=figure), to)
    if display.figure is not None:
        from antcost.charts.latency import runs_figure

        draw(runs_figure(recording, baseline=base, stat=stat), display.figure)
    if display.scatter is not None:
        from antcost.charts.latency import scatter_figure

        draw(scatter_figure(recording, baseline=base, stat=stat), display.scatter)


def _baseline(recording: Recording, name: str | None) -> int:
    if name is None:
        return recording.baseline
    found = find_name(recording.subjects, name)
    if found is None:
        hint = suggest(name, [subject.title for subject in recording.subjects])
        raise AntcostError(f"--baseline {name}: was not measured; {hint}")
    return found
