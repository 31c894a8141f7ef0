"""`antcost reconcile`: why a paper prints another number."""

from typing import Annotated

from typer import Option

from antcost.cli import options
from antcost.cli.batch import read_each
from antcost.cli.output import ExactOutput, emit
from antcost.reconcile.reconciliation import reconcile as try_all
from antcost.sources.specs.load import load
from antcost.views.reconciliation import ReconciledNetwork, reconciliation_table


def reconcile(
    specs: options.Specs,
    top: Annotated[
        int, Option(metavar="N", min=1, help="The N best explanations of each published row.")
    ] = 1,
    set_: options.Set = None,
    *,
    to: ExactOutput,
) -> None:
    """Find the way of counting, and the reading of the paper, that explain what was published.

    Tries every convention and every ambiguity that the spec declares. With --set, the published
    figures are held against the changed network. A network that fails is reported at the end, with
    exit code 1; the others are still shown. If there are no others, the exit code is 2.
    """
    with read_each(specs, lambda reference: _entry(reference, set_), all_failed=2) as entries:
        if entries:
            emit(reconciliation_table(entries, top), to)


def _entry(reference: str, overrides: list[str] | None) -> ReconciledNetwork:
    spec = load(reference, overrides or ())
    return ReconciledNetwork(reference, spec, try_all(spec, load(reference).published))
