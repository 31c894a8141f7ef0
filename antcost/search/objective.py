"""What a search makes as large as it can."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from antcost.cost.measures import Measure
from antcost.errors import AntcostError, suggest
from antcost.yamlfile.document import read_value
from antcost.yamlfile.fields import Fields

ENTROPY, ZEN, SCORES = "entropy", "zen", "scores"
PROXIES = (ENTROPY, ZEN, SCORES)
MOST_WEIGHT = 1e30
Alphas = Annotated[list[Annotated[float, Field(ge=0, allow_inf_nan=False)]], Field(max_length=64)]


class ObjectiveFields(Fields):
    """An objective as it stands in a search file: a term, or terms with their weights."""

    maximize: Any = None
    minimize: Any = None
    alphas: Alphas | None = None


@dataclass(frozen=True, slots=True)
class Objective:
    """The sum of terms times weights, to be made large: costs that are minimised weigh -1.

    `alphas` are the weights of the scales of entropy or the Zen-score, the largest map first.
    """

    weights: Mapping[str, float]
    alphas: tuple[float, ...] | None = None

    def __str__(self) -> str:
        if len(self.weights) == 1:
            ((name, weight),) = self.weights.items()
            if weight in (1, -1):
                return f"{'max' if weight > 0 else 'min'} {name}"
        terms = " ".join(f"{weight:+g}*{name}" for name, weight in self.weights.items())
        return f"max {terms.removeprefix('+')}"


def read_objective(value: Any, measures: Mapping[str, Measure]) -> Objective:
    """Read "entropy", "min madds", or the fields of ObjectiveFields.

    Raises AntcostError for what is no objective, ValidationError for fields that do not fit.
    """
    fields = ObjectiveFields.model_validate(_from_words(value) if isinstance(value, str) else value)
    if (fields.maximize is None) == (fields.minimize is None):
        raise AntcostError("expected either maximize or minimize, such as {maximize: entropy}")
    sign = 1 if fields.minimize is None else -1
    terms = fields.maximize if fields.minimize is None else fields.minimize
    weights = _weights(terms)
    _require_terms(weights, sign, measures)
    alphas = None if fields.alphas is None else tuple(fields.alphas)
    return Objective({name: sign * weight for name, weight in weights.items()}, alphas)


def _weights(terms: Any) -> dict[str, float]:
    """Return terms with their weights, of "entropy" or {zen: 1, madds: -1.0e-8}."""
    weights = {terms: 1.0} if isinstance(terms, str) else terms
    if not isinstance(weights, dict) or not all(isinstance(name, str) for name in weights):
        raise AntcostError(f"expected a term such as zen, or {{zen: 1}}, got {terms!r:.60}")
    for name, weight in weights.items():
        if type(weight) not in (int, float) or not abs(weight) <= MOST_WEIGHT:
            raise AntcostError(f"{name}: expected a number, got {weight!r:.60}")
    return {name: float(weight) for name, weight in weights.items()}


def _from_words(text: str) -> Any:
    """Return the fields that "entropy", "max madds" or "min latency" stand for."""
    words = text.split()
    directions = dict.fromkeys(("max", "maximize"), "maximize")
    directions |= dict.fromkeys(("min", "minimize"), "minimize")
    if len(words) == 1 and words[0] in PROXIES:
        return {"maximize": words[0]}
    if len(words) == 2 and words[0] in directions:
        return {directions[words[0]]: words[1]}
    if text.lstrip().startswith("{"):
        try:
            return read_value(text)
        except ValueError as error:
            raise AntcostError(f"objective: {error}") from None
    raise AntcostError(
        f"objective {text!r:.60}: expected {', '.join(PROXIES)}, or min or max with a cost, "
        "such as min madds"
    )


def _require_terms(
    weights: Mapping[str, float], sign: int, measures: Mapping[str, Measure]
) -> None:
    known = [*PROXIES, *measures]
    if not weights:
        raise AntcostError("an objective has at least one term")
    for name, weight in weights.items():
        if name == "latency" and name not in measures:
            raise AntcostError("latency needs a device: FILE that says what layers take")
        if name not in known:
            raise AntcostError(f"no objective is called {name!r:.60}; {suggest(name, known)}")
        if name == ENTROPY and sign * weight < 0:
            raise AntcostError("entropy can be maximised only")
        if name in measures and measures[name].largest and (len(weights) > 1 or sign * weight > 0):
            raise AntcostError(
                f"{name} is a largest value, which adds to no other term: it can be minimised "
                "by itself, or be bounded in the budget"
            )


def default_alphas(term: str, scales: int) -> Sequence[float]:
    """Return the weights of DeepMAD for classification (1, ..., 8), or the Zen-score (0, ..., 1).

    alibaba/lightweight-neural-architecture-search: multi_block_ratio and score_multi_ratio.
    """
    rest, last = (1.0, 8.0) if term == ENTROPY else (0.0, 1.0)
    return [rest] * (scales - 1) + [last]
