"""What commands that measure have in common."""

import os
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import typer

from antcost.cli.progress import meter
from antcost.errors import AntcostError
from antcost.measure.engines import Engine, Settings
from antcost.measure.profiling import REFERENCE
from antcost.measure.recording import Recording, find_subject, subject_of
from antcost.measure.timing import Candidate, Goal, measure
from antcost.sources.analyze import analyze


def require_packages() -> None:
    """Raise AntcostError where what every measuring needs is not installed."""
    if find_spec("numpy") is None or find_spec("scipy") is None:
        raise AntcostError("latency needs NumPy and SciPy: pip install 'antcost[latency]'")


def require_writable(output: Path) -> None:
    """Raise AntcostError, before any work, if the output could not be written."""
    problem = (
        "is a folder" if output.is_dir()
        else "no such folder" if not output.parent.is_dir()
        else "no permission" if not os.access(output.parent, os.W_OK)
        else None
    )  # fmt: skip
    if problem:
        raise AntcostError(f"{output}: cannot be written: {problem}")


def candidate(reference: str, overrides: list[str] | None, settings: Settings) -> Candidate:
    """A network to measure. Raises SpecError for one that cannot be built."""
    cost = analyze(reference, overrides or ())
    return Candidate(subject_of(cost, reference, settings.dtype), cost.graph)


def completed(
    asked: list[Candidate], baseline: str | None, overrides: list[str] | None, settings: Settings
) -> tuple[list[Candidate], int, int]:
    """The networks to measure, and which of them are the baseline and the reference."""
    candidates = list(asked)
    base = None if baseline is None else find_subject([one.subject for one in asked], baseline)
    if baseline is not None and base is None:
        base = len(candidates)
        candidates.append(candidate(baseline, overrides, settings))
    common = candidate(REFERENCE, None, settings)
    graphs = [one.graph for one in candidates]
    if common.graph not in graphs:
        graphs.append(common.graph)
        candidates.append(replace(common, subject=replace(common.subject, asked=False)))
    reference = graphs.index(common.graph)
    if base is None:
        base = 0 if len(asked) > 1 else reference
    return candidates, base, reference


def measured(
    candidates: list[Candidate],
    engine: Engine,
    settings: Settings,
    goal: Goal,
    seed: int,
    base: int,
    reference: int,
) -> Recording:
    """Measure with a bar on a terminal."""
    try:
        with meter("measuring", goal.limit_s) as show:
            return measure(
                candidates, engine, settings, goal, seed, baseline=base, reference=reference,
                on_progress=lambda now: show(now.seconds, str(now)),
            )  # fmt: skip
    except KeyboardInterrupt:
        typer.echo("interrupted before anything was measured", err=True)
        raise typer.Exit(130) from None
