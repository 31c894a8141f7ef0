"""`antcost specs`: the networks that ship with the package."""

from antcost.cli.options import FormatOption, OutputOption
from antcost.cli.output import emit
from antcost.views.catalog import catalog_table


def specs(format_: FormatOption = "text", output: OutputOption = None) -> None:
    """The networks that ship with antcost, by the name that every command takes."""
    emit(catalog_table(), format_, False, output)
