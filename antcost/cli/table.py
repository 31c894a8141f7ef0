"""`antcost table`: what one network costs."""

from typing import Annotated

from typer import BadParameter, Option

from antcost.cli import options
from antcost.cli.output import Output, emit
from antcost.cost.analysis import Level
from antcost.cost.convention import find_convention
from antcost.cost.device import load_device
from antcost.sources.analyze import analyze
from antcost.views.network import network_table


def table(
    spec: options.OptionalSpec = None,
    spec_file: Annotated[
        str | None, Option("--spec", metavar="FILE", help="The same, as an option.")
    ] = None,
    by: Annotated[Level, Option(help="What a row is.")] = "layer",
    columns: options.Columns = None,
    sort: options.Sort = None,
    top: Annotated[
        int | None, Option(metavar="N", min=1, help="Only the first N rows; the others in one.")
    ] = None,
    free: options.Free = False,
    count: options.Count = "madds",
    set_: options.Set = None,
    inplace: options.Inplace = False,
    training: options.Training = False,
    device: options.Device = None,
    *,
    to: Output,
) -> None:
    """Show what a network costs, by layer, block, stage or kind of layer."""
    if (spec is None) == (spec_file is None):
        raise BadParameter("name one network: antcost table antnet_g2, or --spec FILE")
    result = network_table(
        analyze(spec or spec_file or "", set_ or (), training=training),
        find_convention(count),
        by=by,
        columns=options.column_keys(columns),
        sort=sort,
        top=top,
        free=free,
        inplace=inplace,
        device=load_device(device) if device else None,
    )
    emit(result, to)
