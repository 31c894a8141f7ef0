"""The search file: a network, what may be changed of it, and what it has to fit into."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, prod
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from antcost.cost.budget import Bound, find_measure, read_bound
from antcost.cost.device import Device, read_device
from antcost.cost.measures import Measure
from antcost.cost.memory import Dtype
from antcost.errors import Problem, SpecError
from antcost.search.measures import array_measures
from antcost.search.objective import SCORES, Objective, ObjectiveFields, read_objective
from antcost.search.rules import Rule, read_rule
from antcost.search.scores import Score, read_scores
from antcost.search.variables import Variable, errors_at, read_choices
from antcost.sources.specs.catalog import SUFFIXES, find, is_file, shipped_names, shipped_spaces
from antcost.sources.specs.load import load
from antcost.sources.specs.model import NetSpec
from antcost.sources.specs.overrides import targets
from antcost.yamlfile.document import Document, read_document, read_value
from antcost.yamlfile.fields import Fields
from antcost.yamlfile.validation import add_errors

MAX_CHOICES = 200
RHO = "rho"
"""Depth over width (DeepMAD, arXiv 2303.02165), on which only a search has a budget."""


class SpaceFields(Fields):
    """The fields of a search file."""

    base: str
    choices: Annotated[dict[str, Any], Field(max_length=MAX_CHOICES)]
    budget: dict[str, Any] = Field(default_factory=dict)
    objective: Any = None
    rules: dict[str, Any] = Field(default_factory=dict)
    dtype: Dtype = "fp32"
    device: str | None = None
    scores: str | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """The files that a search is read from, and what the network is called by."""

    name: str
    search: Document
    base_name: str
    base: NetSpec
    device: Document | None = None
    scores: Document | None = None

    @property
    def files(self) -> list[str]:
        """The files themselves."""
        documents = (self.search, self.base.document, self.device, self.scores)
        return [document.origin for document in documents if document is not None]


@dataclass(frozen=True, slots=True)
class Space:
    """What a search may choose from, and what for.

    `variables` are those of stages, `outer` those of the whole network, such as its width.
    """

    sources: Sources
    variables: tuple[Variable, ...]
    outer: tuple[Variable, ...]
    rules: tuple[Rule, ...]
    bounds: tuple[Bound, ...]
    rho: float | None
    objective: Objective | None
    scores: tuple[Score, ...]
    measures: Mapping[str, Measure]
    dtype: Dtype
    device: Device | None = None

    @property
    def name(self) -> str:
        return self.sources.name

    @property
    def base(self) -> NetSpec:
        return self.sources.base

    @property
    def size(self) -> int:
        """How many combinations of values there are, whether or not they can be built."""
        together = {rule.path for rule in self.rules if rule.shared}
        sizes = {
            variable.choice if variable.choice in together else variable.path: len(variable.values)
            for variable in (*self.variables, *self.outer)
        }
        return prod(sizes.values())


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What the command line sets beside a search file: overrides of its network, and its fields.

    `choices` and `rules` are PATH=VALUE texts, such as "ant*.groups=[1, 2]".
    """

    overrides: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    budget: Mapping[str, Sequence[str]] = field(default_factory=dict)
    objective: str | None = None
    device: Path | None = None
    scores: Path | None = None


def load_space(reference: str, request: SearchOptions | None = None) -> Space:
    """Read a search file, or let a network be one whose choices are all in the request.

    `reference` is a file or the name of a shipped search or network. What the request sets wins
    over the file's own fields. Raises SpecError with everything that is wrong.
    """
    return make_space(_read_sources(reference, request or SearchOptions()))


def _read_sources(reference: str, request: SearchOptions) -> Sources:
    """Read a search file and the files that it names."""
    document, folder = _read_search(reference)
    _set_requested(document, request)
    _require_fields(document)
    tree, base_name = document.tree, str(document.tree["base"])
    try:
        base = load(str(find(base_name, folder)), request.overrides)
    except SpecError as error:
        raise _blamed_on(document, "base", error) from None
    device = request.device or (folder / tree["device"] if tree.get("device") else None)
    scores = request.scores or (folder / tree["scores"] if tree.get("scores") else None)
    return Sources(
        Path(reference).stem,
        document,
        base_name,
        base,
        read_document(device) if device else None,
        read_document(scores) if scores else None,
    )


def make_space(sources: Sources) -> Space:
    """Return the space of the files. Raises SpecError with everything that is wrong in them."""
    document, base = sources.search, sources.base
    fields = _require_fields(document)
    device = None if sources.device is None else read_device(sources.device)
    known = array_measures(fields.dtype, device)
    if not fields.choices:
        document.add_error(
            ("choices",), 'nothing to choose from; expected such as "ant*.groups": ...'
        )
    inner, outer, rules = read_choices(document, fields.choices, base)
    rules += _rules(document, fields, base)
    bounds, rho = _budget(document, fields, known)
    objective = _objective(document, fields, known)
    if document.problems:
        raise SpecError(document.problems)
    scores = () if sources.scores is None else read_scores(sources.scores, base, inner)
    return Space(
        sources, tuple(inner), tuple(outer), tuple(rules), tuple(bounds), rho, objective, scores,
        known, fields.dtype, device,
    )  # fmt: skip


def to_plain(space: Space) -> dict[str, Any]:
    """Return what the space is made from as plain values, with the whole network among them."""
    sources = space.sources
    return {
        "name": sources.name,
        "search": sources.search.tree,
        "base_name": sources.base_name,
        "base": sources.base.document.tree,
        "overrides": list(sources.base.overrides),
        "device": sources.device and sources.device.tree,
        "scores": sources.scores and sources.scores.tree,
    }


def _require_fields(document: Document) -> SpaceFields:
    try:
        return SpaceFields.model_validate(document.tree)
    except ValidationError as error:
        add_errors(document, (), error, SpaceFields.model_fields)
        raise SpecError(document.problems) from None


def _read_search(reference: str) -> tuple[Document, Path]:
    """Return the search file, and the folder of its paths; a network has no choices yet."""
    spaces, path = shipped_spaces(), Path(reference)
    if reference in spaces:
        path = spaces[reference]
    elif reference in shipped_names():
        return Document({"base": reference, "choices": {}}, reference), Path()
    elif path.suffix not in SUFFIXES and not is_file(path):
        hint = f"expected a file, a network, or a shipped search: {', '.join(spaces)}"
        raise SpecError([Problem(reference, "", f"no such search; {hint}")])
    document = read_document(path)
    if "stages" in document.tree or "extends" in document.tree:
        return Document({"base": str(path), "choices": {}}, reference), Path()
    return document, path.parent


def _set_requested(document: Document, request: SearchOptions) -> None:
    """Put what the command line asks for into the fields of the search file."""
    for option, name, texts in (
        ("--choose", "choices", request.choices),
        ("--rule", "rules", request.rules),
    ):
        for text in texts:
            path, equals, value = text.partition("=")
            mark = f"{option} {text}"
            fields = document.tree.setdefault(name, {})
            try:
                if not equals or not text.isprintable() or not isinstance(fields, dict):
                    raise ValueError("expected PATH=VALUE such as ant*.groups=[1, 2]")
                given = read_value(value)
            except ValueError as error:
                raise SpecError([Problem(mark, "", str(error))]) from None
            given = {"each": given} if isinstance(given, list) else given
            document.put((name, path.strip()), given, mark)
    for measure, bounds in request.budget.items():
        _set_bounds(document, measure, bounds)
    for name in ("objective", "scores"):
        given = getattr(request, name)
        if given is not None:
            document.put((name,), str(given), f"--{name}")


def _blamed_on(document: Document, field_name: str, error: SpecError) -> SpecError:
    where = document.where((field_name,))
    return SpecError([Problem(where, field_name, str(problem)) for problem in error.problems])


def _set_bounds(document: Document, measure: str, texts: Sequence[str]) -> None:
    """Put bounds into the budget in place of those in the same direction."""
    budget = document.tree.setdefault("budget", {})
    if isinstance(budget, dict):
        directions = {_is_lower(text) for text in texts}
        others = [b for b in _listed(budget.get(measure)) if _is_lower(b) not in directions]
        mark = f"--{measure.replace('_', '-')}"
        document.put(("budget", measure), [*others, *texts], mark)


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _is_lower(text: Any) -> bool:
    return str(text).strip().startswith(">=")


def _rules(document: Document, fields: SpaceFields, base: NetSpec) -> list[Rule]:
    rules = []
    for path, text in fields.rules.items():
        with errors_at(document, ("rules", path)):
            kind, spread = read_rule(str(text))
            keys = targets(base.document, path)
            if keys[0][0] != "stages":
                raise ValueError("expected a field of stages, such as ant*.channels")
            rules.append(Rule(path, kind, {int(k[1]): str(k[2]) for k in keys}, spread))
    return rules


def _budget(
    document: Document, fields: SpaceFields, known: Mapping[str, Measure]
) -> tuple[list[Bound], float | None]:
    bounds, rho = [], None
    for name, texts in fields.budget.items():
        for text in _listed(texts):
            with errors_at(document, ("budget", name)):
                if name == RHO:
                    rho = _read_rho(str(text))
                else:
                    bounds.append(read_bound(find_measure(known, name), str(text)))
    return bounds, rho


def _read_rho(text: str) -> float:
    """Read "<= 1.0" or "1.0". Raises ValueError."""
    match = re.fullmatch(r"\s*(?:<=)?\s*(\d+(?:\.\d+)?)\s*", text)
    if not match or not 0 < float(match[1]) < inf:
        raise ValueError(f"expected such as <= 1.0, got {text!r:.60}")
    return float(match[1])


def _objective(
    document: Document, fields: SpaceFields, known: Mapping[str, Measure]
) -> Objective | None:
    if fields.objective is None:
        return None
    with errors_at(document, ("objective",), ObjectiveFields):
        objective = read_objective(fields.objective, known)
        if SCORES in objective.weights and fields.scores is None:
            raise ValueError("needs scores: FILE, which says what each choice is worth")
        return objective
    return None
