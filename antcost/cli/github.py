"""What a run in GitHub Actions shows beside its log: annotations, and the summary of the job."""

import os
from collections.abc import Sequence
from pathlib import Path

import typer

from antcost.errors import AntcostError
from antcost.views.annotations import error_annotations, verdict_annotations
from antcost.views.gate import GateResult


def in_actions() -> bool:
    """Return whether this is a run in GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def annotate(results: Sequence[GateResult], failures: Sequence[AntcostError]) -> None:
    """Annotate what fails, in files of the repository.

    The runner reads the error stream, too; the other one may be a file for a comment.
    """
    root = Path(os.environ.get("GITHUB_WORKSPACE") or ".").resolve()
    for result in results:
        for line in verdict_annotations(result, root):
            typer.echo(line, err=True)
    for failure in failures:
        for line in error_annotations(failure, root):
            typer.echo(line, err=True)


def summarize(markdown: str) -> None:
    """Add to the summary of the job. Raises AntcostError if that cannot be written."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    try:
        with Path(file).open("a", encoding="utf-8") as stream:
            stream.write(f"{markdown}\n\n")
    except OSError as error:
        raise AntcostError(f"{file}: cannot be written: {error.strerror}") from None
