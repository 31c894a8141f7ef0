"""`antcost conventions`: the ways of counting that --count knows."""

from antcost.cli.output import ExactOutput, emit
from antcost.views.conventions import conventions_table


def conventions(*, to: ExactOutput) -> None:
    """List the ways of counting that --count knows: those of papers and of other tools."""
    emit(conventions_table(), to)
