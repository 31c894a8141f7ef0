"""What may be chosen: values for fields of stages, and of the whole network."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field, ValidationError

from antcost.search.rules import Rule
from antcost.sources.specs.load import copy_plain
from antcost.sources.specs.model import NetSpec
from antcost.sources.specs.overrides import PathError, targets
from antcost.sources.specs.width import make_divisible
from antcost.yamlfile.document import Document, Key
from antcost.yamlfile.fields import Fields
from antcost.yamlfile.validation import add_errors

MAX_VALUES = 256
UNCHANGEABLE = ("name", "block")
Values = Annotated[list[Any], Field(min_length=1, max_length=MAX_VALUES)]
Factor = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]


class ChoiceFields(Fields):
    """One choice: values for each selected field, one for all of them, or multiples of the base."""

    each: Values | None = None
    shared: Values | None = None
    scale: Annotated[list[Factor], Field(min_length=1, max_length=MAX_VALUES)] | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """Values to choose one from: for a field of the stage with this index, or of the network.

    `path` is what `set:` calls it, `choice` the path that the search file has, and `mark` where.
    """

    path: str
    choice: str
    values: tuple[Any, ...]
    mark: str
    stage: int | None = None
    field: str = ""


def read_choices(
    document: Document, choices: Mapping[str, Any], base: NetSpec
) -> tuple[list[Variable], list[Variable], list[Rule]]:
    """Variables of stages and of the network, and the rules that shared choices are."""
    inner: list[Variable] = []
    outer: list[Variable] = []
    rules: list[Rule] = []
    chosen: dict[Key, str] = {}
    for path, value in choices.items():
        key = ("choices", path)
        try:
            keys = targets(base.document, path)
        except PathError as error:
            document.add_error(key, str(error))
            continue
        choice = _choice(document, key, value)
        if choice is None:
            continue
        if keys[0][-1] in UNCHANGEABLE:
            document.add_error(key, f"{keys[0][-1]} cannot be chosen; it says what a stage is")
            continue
        twice = [chosen[k] for k in keys if k in chosen]
        if twice:
            document.add_error(key, f"selects a field that {twice[0]} selects, too")
            continue
        chosen |= dict.fromkeys(keys, path)
        mark = document.where(key)
        if keys[0][0] != "stages":
            values = _values(document, key, choice, base, keys[0])
            outer.append(Variable(path, path, values, mark))
            continue
        for stage_key in keys:
            stage, name = int(stage_key[1]), str(stage_key[2])
            values = _values(document, key, choice, base, stage_key)
            variable = f"{base.stages[stage].name}.{name}"
            inner.append(Variable(variable, path, values, mark, stage, name))
        if choice.shared is not None and len(keys) > 1:
            rules.append(Rule(path, "equal", {int(k[1]): str(k[2]) for k in keys}, shared=True))
    return inner, outer, rules


def _choice(document: Document, key: Key, value: Any) -> ChoiceFields | None:
    """The fields of a choice, or None once what is wrong with it is noted."""
    if not isinstance(value, dict):
        document.add_error(key, "expected {each: [...]}, {shared: [...]} or {scale: [...]}")
        return None
    try:
        choice = ChoiceFields.model_validate(value)
    except ValidationError as error:
        add_errors(document, key, error, ChoiceFields.model_fields)
        return None
    given = [values for values in (choice.each, choice.shared, choice.scale) if values is not None]
    if len(given) != 1:
        document.add_error(key, "expected one of each, shared and scale")
        return None
    return choice


def _values(
    document: Document, key: Key, choice: ChoiceFields, base: NetSpec, target: Key
) -> tuple[Any, ...]:
    """The values without repetitions, in the order they are written."""
    if choice.scale is not None:
        start = _base_value(base, target)
        if type(start) is not int:
            message = (
                f"scale needs an integer to multiply, and the base has {start!r:.60}; use each"
            )
            document.add_error(key, message)
            return ()
        values = [make_divisible(start, Fraction(str(factor))) for factor in choice.scale]
    else:
        values = choice.each or choice.shared or []
    return tuple({repr(value): copy_plain(value) for value in values}.values())


def _base_value(base: NetSpec, target: Key) -> Any:
    if target[0] != "stages":
        return base.document.tree.get(str(target[0]))
    stage, name = base.stages[int(target[1])], str(target[2])
    return getattr(stage, name, None)
