"""The `antcost` command: its subcommands, and how a user's mistake ends."""

from typing import Annotated, Any

import typer
from typer import Option
from typer.core import TyperGroup

from antcost.cli.compare import compare
from antcost.cli.diff import diff
from antcost.cli.schema import schema
from antcost.cli.specs import specs
from antcost.cli.table import table
from antcost.errors import AntcostError
from antcost.version import __version__


class _Commands(TyperGroup):
    """Prints a user's mistake as it is, without a traceback, and exits with code 2."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except AntcostError as error:
            typer.echo(error, err=True)
            raise typer.Exit(2) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Tells exactly what a neural network costs before it is trained or built.",
)
for command in (table, compare, diff, specs, schema):
    app.command()(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"antcost {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass
