"""`antcost gate`: whether networks are within budgets, for continuous integration."""

from collections.abc import Callable, Mapping, Sequence
from os.path import normpath
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from antcost.cli import options
from antcost.cli.batch import read_all
from antcost.cli.github import annotate, in_actions, summarize
from antcost.cli.output import Output, emit
from antcost.cost.budget import Bound, find_measure, read_bound
from antcost.cost.device import load_device
from antcost.cost.gate import check_budgets
from antcost.cost.measures import Measure, measures
from antcost.errors import AntcostError
from antcost.sources.network import Network, load_network
from antcost.sources.specs.catalog import is_file, shipped_names
from antcost.tables.formats import render
from antcost.views.gate import GateResult, fit_comment, gate_tables

NO_INCREASE = "0%"


def gate(
    specs: options.Specs,
    *,
    budgets: options.Budgets,
    device: options.Device = None,
    against: Annotated[
        str | None,
        Option(metavar="BASE", help="Compare with a spec, or with the same files of a folder."),
    ] = None,
    max_increase: Annotated[
        str | None,
        Option(
            metavar="PERCENT",
            help="How much more than BASE MAdds, params, peak memory and, with --device, latency "
            f"may be, such as 1%; {NO_INCREASE} if not given.",
        ),
    ] = None,
    to: Output,
) -> None:
    """Check that networks are within budgets, and cost no more than before.

    Exit code 0 if all budgets hold, 1 if one does not, 2 if a spec cannot be read. In GitHub
    Actions, what fails is annotated in the spec and a summary is added to the page of the run.
    """
    asked = budgets.asked()
    _require_sense(asked, device, against, max_increase)
    target = load_device(device) if device else None
    known = measures(device=target)
    bounds = _bounds(known, asked)
    increase = options.read_percent(
        "--max-increase", NO_INCREASE if max_increase is None else max_increase
    )
    base_of = _bases(against)

    def read(reference: str) -> GateResult:
        network, base = load_network(reference), base_of(reference)
        verdicts = check_budgets(network.cost, base.cost if base else None, bounds, increase, known)
        return GateResult(network, base, verdicts)

    results, failures = read_all(specs, read)
    if results:
        tables = gate_tables(
            results, unread=len(failures), compared=against is not None, device=target
        )
        comment = fit_comment(tables, to.exact)
        main, *details = comment if to.format_ == "markdown" else tables
        emit(main, to, details)
        if in_actions():
            summarize("\n\n".join(render(table, "markdown", exact=to.exact) for table in comment))
    for failure in failures:
        typer.echo(failure, err=True)
    if in_actions():
        annotate(results, failures)
    if failures or not all(result.holds for result in results):
        raise typer.Exit(2 if failures else 1)


def _require_sense(
    asked: Mapping[str, object], device: Path | None, against: str | None, increase: str | None
) -> None:
    """Raise AntcostError for options that ask for nothing."""
    if not asked and against is None:
        raise AntcostError(
            'nothing to hold: expected a budget, such as --madds "<= 300M", or --against BASE'
        )
    if increase is not None and against is None:
        raise AntcostError("--max-increase needs --against BASE: more than what?")
    if device is not None and "latency" not in asked and against is None:
        raise AntcostError('--device needs --latency, such as "<= 9ms", or --against BASE')


def _bounds(known: Mapping[str, Measure], asked: Mapping[str, Sequence[str]]) -> tuple[Bound, ...]:
    """Read the budgets. Raises AntcostError."""
    bounds = []
    for name, texts in asked.items():
        for text in texts:
            try:
                bounds.append(read_bound(find_measure(known, name), text))
            except ValueError as error:
                raise AntcostError(f"--{name.replace('_', '-')}: {error}") from None
    return tuple(bounds)


def _bases(against: str | None) -> Callable[[str], Network | None]:
    """Return what finds the base of a spec: always the same, or its place in a folder."""
    if against is None:
        return lambda reference: None
    if against not in shipped_names() and Path(against).is_dir():
        return lambda reference: _in_place(reference, Path(against))
    base = load_network(against)
    return lambda reference: base


def _in_place(reference: str, folder: Path) -> Network | None:
    """Return the spec at the same path in another checkout, or none if that has no such file."""
    path = Path(normpath(Path(reference).absolute()))
    if not is_file(path) or not path.is_relative_to(Path.cwd()):
        raise AntcostError(
            f"{reference}: expected a file below this folder, to compare with the one in {folder}"
        )
    place = path.relative_to(Path.cwd())
    if place.parent.parts and not (folder / place.parts[0]).is_dir():
        raise AntcostError(f"{folder}: has no {place.parts[0]}/; expected a copy of this folder")
    base = folder / place
    return load_network(str(base)) if is_file(base) else None
