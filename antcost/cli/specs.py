"""`antcost specs`: the networks that ship with the package."""

from antcost.cli.output import ExactOutput, emit
from antcost.views.catalog import catalog_table


def specs(*, to: ExactOutput) -> None:
    """List the networks that ship with antcost, by the name that every command takes."""
    emit(catalog_table(), to)
