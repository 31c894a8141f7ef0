"""`antcost device`: what predicts latencies without a runtime."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from typer import Option

from antcost.cli.measurement import EngineOptions, exit_if_interrupted, require_packages
from antcost.cli.option_groups import with_option_groups
from antcost.cli.output import Printing, emit
from antcost.cli.progress import meter, progress
from antcost.errors import AntcostError
from antcost.files import require_writable, write_whole
from antcost.measure.engines import find_engine
from antcost.measure.profiling import Plan, device_file, profile
from antcost.views.profile_errors import trials_table
from antcost.yamlfile.fields import Text

PLAN = Plan()

device = typer.Typer(
    help="Devices that latencies are predicted for.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)


@device.callback()
def _group() -> None:
    """Devices that latencies are predicted for."""


@device.command("profile")
@with_option_groups
def profile_device(
    output: Annotated[
        Path, Option("-o", "--output", metavar="FILE", help="Write the device, as JSON.")
    ],
    run: EngineOptions,
    name: Annotated[str | None, Option(metavar="TEXT", help="What to call the device.")] = None,
    networks: Annotated[
        int, Option(metavar="N", min=4, max=1000, help="Random networks to learn from.")
    ] = PLAN.networks,
    trials: Annotated[
        int, Option(metavar="N", min=1, max=1000, help="Other ones, to find the errors.")
    ] = PLAN.trials,
    time_limit: Annotated[
        float, Option(metavar="SECONDS", min=1, max=1e6, help="For timing them as a whole.")
    ] = PLAN.limit_s,
    seed: Annotated[int, Option(help="Of the random networks, and of their order.")] = 0,
    *,
    to: Printing,
) -> None:
    """Learn this machine from random networks, in a minute, and try that on others.

    The file serves --device of latency, table, compare, diff and search: they need no runtime then.
    """
    require_packages("psutil")
    require_writable(output)
    if name is not None:
        _require_text(name)
    settings = run.settings()
    plan = Plan(networks, trials, seed, time_limit)
    found = find_engine(run.engine, settings)
    with (
        exit_if_interrupted("interrupted: nothing was learned"),
        progress("profiling", networks) as on_network,
        meter("timing", time_limit) as show,
    ):
        result = profile(
            found, settings, plan, name, on_network=on_network,
            on_progress=lambda now: show(now.seconds, str(now)),
        )  # fmt: skip
    write_whole(output, device_file(result.device))
    emit(trials_table(result), to)


def _require_text(name: str) -> None:
    """Raise AntcostError, before a minute of measuring, for a name that no file may have."""
    try:
        TypeAdapter(Text).validate_python(name)
    except ValidationError:
        raise AntcostError("--name: expected one line of printable text") from None
