"""`antcost conventions`: the ways of counting that --count knows."""

from antcost.cli.options import FormatOption, OutputOption
from antcost.cli.output import emit
from antcost.views.conventions import conventions_table


def conventions(format_: FormatOption = "text", output: OutputOption = None) -> None:
    """The ways of counting that --count knows: those of papers and those of other tools."""
    emit(conventions_table(), format_, False, output)
