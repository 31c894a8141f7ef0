"""Printing a table, or writing it to a file."""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import typer

from antcost.cli import options
from antcost.errors import AntcostError
from antcost.files import write_whole
from antcost.tables.formats import render
from antcost.tables.table import Table


@dataclass(frozen=True, slots=True)
class Output:
    """How tables are printed, and the file that they are written to, if any."""

    exact: options.Exact = False
    format_: options.Format = "text"
    output: options.Output = None


@dataclass(frozen=True, slots=True)
class ExactOutput:
    """The output of commands that always print every digit."""

    exact: ClassVar[bool] = True
    format_: options.Format = "text"
    output: options.Output = None


@dataclass(frozen=True, slots=True)
class Printing:
    """The output of commands that write something else to --output than their table."""

    output: ClassVar[None] = None
    exact: options.Exact = False
    format_: options.Format = "text"


def emit(
    table: Table[Any], to: Output | ExactOutput | Printing, details: Sequence[Table[Any]] = ()
) -> None:
    """Write the table to the output's file, or print it: fitted and styled on a terminal.

    Further tables with `details` follow where people read; CSV and JSON are of the first alone.
    """
    terminal = to.output is None and sys.stdout is not None and sys.stdout.isatty()
    texts = [
        render(
            each,
            to.format_,
            exact=to.exact,
            width=shutil.get_terminal_size().columns if terminal else None,
            styled=terminal and not os.environ.get("NO_COLOR"),
        )
        for each in (table, *(() if to.format_ in ("csv", "json") else details))
    ]
    if to.output is not None:
        write_whole(to.output, "\n\n".join(texts) + "\n")
        return
    try:
        typer.echo("\n\n".join(texts))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise AntcostError(f"cannot print: {error.strerror}") from None
