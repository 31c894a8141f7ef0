"""Commands that take several specs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import typer

from antcost.errors import AntcostError
from antcost.sources.specs.catalog import expand

T = TypeVar("T")


@contextmanager
def read_each(
    arguments: Sequence[str], read: Callable[[str], T], *, all_failed: int = 1
) -> Iterator[list[T]]:
    """Yield what `read` makes of each spec that the arguments stand for.

    Those that fail are reported when the block ends, with exit code 1, or `all_failed` if there are
    no others.
    """
    results, failures = read_all(arguments, read)
    try:
        yield results
    finally:
        for failure in failures:
            typer.echo(failure, err=True)
    if failures:
        raise typer.Exit(1 if results else all_failed)


def read_all(
    arguments: Sequence[str], read: Callable[[str], T]
) -> tuple[list[T], list[AntcostError]]:
    """Return what `read` makes of each spec that the arguments stand for, and why others failed."""
    results: list[T] = []
    failures: list[AntcostError] = []
    for argument in arguments:
        try:
            references = expand(argument)
        except AntcostError as error:
            failures.append(error)
            continue
        for reference in references:
            try:
                results.append(read(reference))
            except AntcostError as error:
                failures.append(error)
    return results, failures
