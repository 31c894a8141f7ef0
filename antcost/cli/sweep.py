"""`antcost sweep`: what many configurations of a space cost, for predictors to learn from."""

import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from antcost.cli import options
from antcost.cli.progress import progress
from antcost.errors import AntcostError
from antcost.units import format_count, format_exact

if TYPE_CHECKING:
    from antcost.search.sweep import Sweep


def sweep(
    space: options.Space,
    output: Annotated[
        Path, Option("-o", "--output", metavar="FILE", help="The Parquet file, written atomically.")
    ],
    sample: Annotated[
        int | None, Option(metavar="N", help="Draw N configurations, all equally likely.")
    ] = None,
    all_: Annotated[bool, Option("--all", help="Every configuration once.")] = False,
    seed: Annotated[int, Option(min=0, max=2**63 - 1, help="What the random draws come from.")] = 0,
    choose: options.Choose = None,
    rule: options.Rule = None,
    set_: options.Set = None,
    device: options.Device = None,
    workers: options.Workers = 1,
    cluster: options.Cluster = None,
) -> None:
    """Write the exact costs of many configurations of a space to a Parquet file.

    Budgets do not count here. What is finished is kept beside the file until that is complete, so
    the same command continues a run that was stopped.
    """
    if (sample is None) != all_:
        raise AntcostError("expected one of --sample N and --all, which say what to write")
    if find_spec("pyarrow") is None or find_spec("scipy") is None or find_spec("joblib") is None:
        raise AntcostError("sweep needs PyArrow, SciPy and joblib: pip install 'antcost[search]'")
    from antcost.search.space import SearchOptions, load_space
    from antcost.search.sweep import plan_sweep

    choices = SearchOptions(
        tuple(set_ or ()), tuple(choose or ()), tuple(rule or ()), device=device
    )
    loaded = load_space(space, choices)
    _write(plan_sweep(loaded, sample, seed), output, workers, cluster)


def _write(planned: "Sweep", output: Path, workers: int, cluster: str | None) -> None:
    from antcost.search.sweep import write

    start = time.perf_counter()
    try:
        with progress("writing", len(planned.groups)) as advance:
            write(planned, output, workers=workers, cluster=cluster, on_progress=advance)
    except KeyboardInterrupt:
        parts = planned.parts(output)
        kept = f"{sum(part.exists() for part in parts)} of {len(parts)} parts"
        folder = parts[0].parent
        typer.echo(
            f"interrupted: {kept} are kept in {folder}; the same command continues", err=True
        )
        raise typer.Exit(130) from None
    seconds = time.perf_counter() - start
    rate = format_count(int(planned.rows / seconds))
    typer.echo(f"{output}: {format_exact(planned.rows)} rows in {seconds:.1f} s, {rate} a second")
