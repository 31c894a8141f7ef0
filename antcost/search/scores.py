"""A user's table of what each choice at each stage is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from antcost.errors import SpecError
from antcost.search.variables import Variable, errors_at
from antcost.sources.specs.model import NetSpec
from antcost.sources.specs.overrides import targets
from antcost.yamlfile.document import Document


@dataclass(frozen=True, slots=True)
class Score:
    """What it is worth if the stage with this index has all of these values."""

    stage: int
    values: Mapping[str, Any]
    score: float


def read_scores(
    document: Document, base: NetSpec, variables: Sequence[Variable]
) -> tuple[Score, ...]:
    """Read rows {stage: ant[2-3], FIELD: VALUE, ..., score: NUMBER}; those that apply are summed.

    Raises SpecError for a row with other fields or values than the choices have.
    """
    known = {(variable.stage, variable.field): variable.values for variable in variables}
    rows = document.tree.get("scores")
    if not isinstance(rows, list) or set(document.tree) != {"scores"}:
        document.add_error((), "expected scores: with rows {stage: ant3, kernel: 5, score: 0.3}")
        raise SpecError(document.problems)
    scores = []
    for index, row in enumerate(rows):
        with errors_at(document, ("scores", index)):
            scores += _row(base, known, row)
    if document.problems:
        raise SpecError(document.problems)
    return tuple(scores)


def _row(
    base: NetSpec, known: Mapping[tuple[int | None, str], tuple[Any, ...]], row: Any
) -> list[Score]:
    if not isinstance(row, dict) or not {"stage", "score"} < row.keys():
        raise ValueError("expected {stage: ant3, kernel: 5, score: 0.3}")
    values = {name: value for name, value in row.items() if name not in ("stage", "score")}
    score = row["score"]
    if type(score) not in (int, float) or not abs(score) < 1e15:
        raise ValueError(f"score: expected a number, got {score!r:.60}")
    stages = [int(key[1]) for key in targets(base.document, f"{row['stage']}.{next(iter(values))}")]
    for stage in stages:
        for name, value in values.items():
            if value not in known.get((stage, name), ()):
                raise ValueError(
                    f"{base.stages[stage].name}.{name}: {value!r:.60} is not among its choices"
                )
    return [Score(stage, values, float(score)) for stage in stages]
