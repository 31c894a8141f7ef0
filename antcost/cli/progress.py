"""Progress of long work, on stderr and only on a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def status(what: str) -> Iterator[Callable[[str], None]]:
    """Show a line while the block runs; yield what sets its text."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(what) as line:
        yield lambda text: line.update(escape(f"{what}: {text}"))


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[str], None]]:
    """Show a bar of `total` steps while the block runs; yield what takes each step's name."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)

        def advance(name: str) -> None:
            bar.update(task, advance=1, description=f"{what} {name}")

        yield advance


@contextmanager
def meter(what: str, total: float) -> Iterator[Callable[[float, str], None]]:
    """Show a bar; yield what takes how much of `total` is done, and what is known by then.

    Between two calls nothing runs that could disturb a measuring.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda done, text: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), console=Console(stderr=True),
        transient=True, auto_refresh=False,
    ) as bar:  # fmt: skip
        task = bar.add_task(what, total=total)

        def show(done: float, text: str) -> None:
            bar.update(task, completed=done, description=f"{what} {text}", refresh=True)

        show(0, "")
        yield show
