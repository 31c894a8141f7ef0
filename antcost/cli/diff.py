"""`antcost diff`: what sets two networks apart."""

from antcost.cli import options
from antcost.cli.output import Output, emit
from antcost.cost.convention import find_convention
from antcost.cost.device import load_device
from antcost.sources.analyze import analyze
from antcost.views.difference import difference_table


def diff(
    a: options.Spec,
    b: options.Spec,
    free: options.Free = False,
    count: options.Count = "madds",
    set_: options.Set = None,
    inplace: options.Inplace = False,
    training: options.Training = False,
    device: options.Device = None,
    *,
    to: Output,
) -> None:
    """Show what was added, removed or changed from A to B, layer by layer, and what it costs.

    --set holds for both.
    """
    result = difference_table(
        analyze(a, set_ or (), training=training),
        analyze(b, set_ or (), training=training),
        find_convention(count),
        free=free,
        inplace=inplace,
        device=load_device(device) if device else None,
    )
    emit(result, to)
