"""`antcost diff`: what sets two networks apart."""

from antcost.cli.options import (
    CountOption,
    DeviceOption,
    FreeOption,
    InplaceOption,
    SetOption,
    SpecArgument,
    TrainingOption,
)
from antcost.cli.output import Output, emit
from antcost.cost.convention import find_convention
from antcost.cost.device import load_device
from antcost.sources.analyze import analyze
from antcost.views.difference import difference_table


def diff(
    a: SpecArgument,
    b: SpecArgument,
    free: FreeOption = False,
    count: CountOption = "madds",
    set_: SetOption = None,
    inplace: InplaceOption = False,
    training: TrainingOption = False,
    device: DeviceOption = None,
    *,
    to: Output,
) -> None:
    """What was added, removed or changed from A to B, layer by layer, and what it costs.

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
