"""The `antcost` command: its subcommands, and how a user's mistake ends."""

import gc
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any

import typer
from typer import Option
from typer.core import TyperGroup
from typer.main import get_command

from antcost.cli.option_groups import with_option_groups
from antcost.errors import AntcostError
from antcost.version import __version__

COMMANDS = (
    "table", "compare", "diff", "check", "latency", "device", "reconcile", "explain", "search",
    "sweep", "report", "gate", "export", "size", "specs", "conventions", "schema",
)  # fmt: skip


class _Commands(TyperGroup):
    """Imports a command's module when it is called, and ends a user's mistake with exit code 2."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, name: str) -> Any:
        if name not in COMMANDS:
            return None
        found = getattr(import_module(f"antcost.cli.{name}"), name)
        command = found if isinstance(found, typer.Typer) else _single(name, found)
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        return get_command(command)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except AntcostError as error:
            typer.echo(error, err=True)
            raise typer.Exit(2) from None


def _single(name: str, function: Callable[..., None]) -> typer.Typer:
    command = typer.Typer(rich_markup_mode=None, add_completion=False)
    command.command(name)(with_option_groups(function))
    return command


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Tells exactly what a neural network costs before it is trained or built.",
)


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
    """Tell exactly what a neural network costs before it is trained or built."""
