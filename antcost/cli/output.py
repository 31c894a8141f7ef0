"""Printing a table, or writing it to a file."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import typer

from antcost.errors import AntcostError
from antcost.report.files import write_whole
from antcost.report.formats import Format, render
from antcost.report.table import Table


def emit(table: Table[Any], output_format: Format, exact: bool, output: Path | None) -> None:
    """Write the table to `output`, or print it: fitted and styled if that is a terminal."""
    if output is not None:
        write_whole(output, render(table, output_format, exact=exact) + "\n")
        return
    terminal = sys.stdout is not None and sys.stdout.isatty()
    text = render(
        table,
        output_format,
        exact=exact,
        width=shutil.get_terminal_size().columns if terminal else None,
        styled=terminal and not os.environ.get("NO_COLOR"),
    )
    try:
        typer.echo(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise AntcostError(f"cannot print: {error.strerror}") from None
