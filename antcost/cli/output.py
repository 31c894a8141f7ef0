"""Printing a table, or writing it to a file."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from antcost.errors import AntcostError
from antcost.files import write_whole
from antcost.tables.formats import Format, render
from antcost.tables.table import Table


def emit(
    table: Table[Any],
    output_format: Format,
    exact: bool,
    output: Path | None,
    details: Sequence[Table[Any]] = (),
) -> None:
    """Write the table to `output`, or print it: fitted and styled if that is a terminal.

    Further tables with `details` follow where people read; CSV and JSON are of the first alone.
    """
    tables = [table] if output_format in ("csv", "json") else [table, *details]
    if output is not None:
        texts = [render(each, output_format, exact=exact) for each in tables]
        write_whole(output, "\n\n".join(texts) + "\n")
        return
    terminal = sys.stdout is not None and sys.stdout.isatty()
    texts = [
        render(
            each,
            output_format,
            exact=exact,
            width=shutil.get_terminal_size().columns if terminal else None,
            styled=terminal and not os.environ.get("NO_COLOR"),
        )
        for each in tables
    ]
    try:
        typer.echo("\n\n".join(texts))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise AntcostError(f"cannot print: {error.strerror}") from None
