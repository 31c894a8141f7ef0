"""What may be chosen: values for fields of stages, and of the whole network."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field, ValidationError

from antcost.errors import AntcostError
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
    """Return variables of stages and of the network, and the rules that shared choices are."""
    inner: list[Variable] = []
    outer: list[Variable] = []
    rules: list[Rule] = []
    chosen: dict[Key, str] = {}
    for path, value in choices.items():
        key = ("choices", path)
        with errors_at(document, key, ChoiceFields):
            keys = targets(base.document, path)
            choice = _choice(value)
            if keys[0][-1] in UNCHANGEABLE:
                raise ValueError(f"{keys[0][-1]} cannot be chosen; it says what a stage is")
            if twice := [chosen[k] for k in keys if k in chosen]:
                raise ValueError(f"selects a field that {twice[0]} selects, too")
            values = [_values(choice, base, each) for each in keys]
            chosen |= dict.fromkeys(keys, path)
            mark = document.where(key)
            if keys[0][0] != "stages":
                outer.append(Variable(path, path, values[0], mark))
                continue
            fields = {int(each[1]): str(each[2]) for each in keys}
            for (stage, name), own in zip(fields.items(), values, strict=True):
                variable = f"{base.stages[stage].name}.{name}"
                inner.append(Variable(variable, path, own, mark, stage, name))
            if choice.shared is not None and len(keys) > 1:
                rules.append(Rule(path, "equal", fields, shared=True))
    return inner, outer, rules


@contextmanager
def errors_at(document: Document, key: Key, model: type[Fields] = Fields) -> Iterator[None]:
    """Note an error of the block, or of the fields that a model expects, at a key of a document."""
    try:
        yield
    except ValidationError as error:
        add_errors(document, key, error, model.model_fields)
    except (AntcostError, PathError, ValueError) as error:
        document.add_error(key, str(error))


def _choice(value: Any) -> ChoiceFields:
    """Return the fields of a choice. Raises ValueError, of which ValidationError is one."""
    if not isinstance(value, dict):
        raise ValueError("expected {each: [...]}, {shared: [...]} or {scale: [...]}")
    choice = ChoiceFields.model_validate(value)
    if [choice.each, choice.shared, choice.scale].count(None) != 2:
        raise ValueError("expected one of each, shared and scale")
    return choice


def _values(choice: ChoiceFields, base: NetSpec, target: Key) -> tuple[Any, ...]:
    """Return the values without repetitions, in the order they are written. Raises ValueError."""
    values = choice.each or choice.shared or []
    if choice.scale is not None:
        start = base.document.tree.get(str(target[0]))
        if target[0] == "stages":
            start = getattr(base.stages[int(target[1])], str(target[2]), None)
        if type(start) is not int:
            raise ValueError(
                f"scale needs an integer to multiply, and the base has {start!r:.60}; use each"
            )
        values = [make_divisible(start, Fraction(str(factor))) for factor in choice.scale]
    return tuple({repr(value): copy_plain(value) for value in values}.values())
