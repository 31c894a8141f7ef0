"""`antcost compare`: several networks side by side."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from antcost.charts.files import check_figure, draw, linked
from antcost.cli import options
from antcost.cli.batch import read_each
from antcost.cli.measurement import measured_entries, require_packages
from antcost.cli.output import Output, emit
from antcost.cost.convention import find_convention
from antcost.cost.device import Device, load_device
from antcost.sources.network import load_network
from antcost.tables.table import choose
from antcost.views.comparison import COLUMNS, LATENCY, ComparedNetwork, compare_table, find_entry
from antcost.views.entry_latencies import predicted_entries


def compare(
    specs: options.Specs,
    columns: options.Columns = None,
    sort: options.Sort = None,
    baseline: Annotated[
        str | None, Option(metavar="NAME", help="Say how many times smaller than this network.")
    ] = None,
    published: Annotated[
        bool, Option("--published", help="What was published, and why it differs from our counts.")
    ] = False,
    source: Annotated[
        str | None, Option(metavar="TEXT", help="Published figures of the source with this text.")
    ] = None,
    count: options.Count = "madds",
    set_: options.Set = None,
    inplace: options.Inplace = False,
    training: options.Training = False,
    device: options.Device = None,
    figure: Annotated[
        Path | None,
        Option(metavar="FILE", help="Draw params, MAdds and published top-1: .svg, .pdf or .png."),
    ] = None,
    *,
    to: Output,
) -> None:
    """Show several networks, a row each, beside what was published about them.

    The column latency is predicted for a --device; without one, it is measured as by antcost
    latency. A network that fails is reported at the end, with exit code 1; the others are still
    shown.
    """
    convention = find_convention(count)
    keys = options.column_keys(columns)
    measures = device is None and bool({*keys, sort} & {*LATENCY})
    if measures:
        require_packages("psutil")
        choose(COLUMNS, [*keys, *([sort] if sort else [])])
    target = load_device(device) if device else None
    if figure is not None:
        check_figure(figure)

    def entry(reference: str) -> ComparedNetwork:
        return _entry(reference, set_, source, training, target)

    with read_each(specs, entry) as entries:
        if entries:
            base = None
            if baseline is not None:
                base = find_entry(entries, baseline) or entry(baseline)
            timed: Sequence[ComparedNetwork] = entries
            notes: list[str] = []
            complete = True
            if measures:
                timed, notes, complete = measured_entries(entries, base)
            elif target is not None:
                timed, notes = predicted_entries(entries, base)
            result = compare_table(
                timed,
                convention,
                baseline=base,
                columns=_with_speed_up(keys) if measures else keys,
                sort=sort,
                inplace=inplace,
                published=published,
                latency_notes=notes,
            )
            if figure is not None:
                from antcost.charts.dot_plots import dot_plots

                draw(dot_plots(entries), figure)
                result = replace(result, figure=linked(figure, to.output))
            emit(result, to)
            if not complete:
                raise typer.Exit(130)


def _with_speed_up(keys: list[str]) -> list[str]:
    """Add to a measured latency its comparison, which alone is certain."""
    if "latency" not in keys or "speed_up" in keys:
        return keys
    place = keys.index("latency") + 1
    return [*keys[:place], "speed_up", *keys[place:]]


def _entry(
    reference: str,
    overrides: list[str] | None,
    source: str | None,
    training: bool,
    device: Device | None,
) -> ComparedNetwork:
    network = load_network(reference, overrides or (), training=training)
    if source is not None:
        rows = (row for row in network.published if source.casefold() in row.source.casefold())
        network = replace(network, published=tuple(rows))
    return ComparedNetwork(network, prediction=device.predict(network.cost) if device else None)
