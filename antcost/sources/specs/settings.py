"""The fields of a block that stands in no spec, from FIELD=VALUE texts."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from antcost.blocks.fields import CLASSES
from antcost.errors import AntcostError, SpecError, suggest
from antcost.sources.specs.model import Stage
from antcost.sources.specs.stages import STAGE_MODELS
from antcost.yamlfile.document import Document, Key, read_value
from antcost.yamlfile.validation import add_errors


def find_stage_model(block: str) -> type[Stage]:
    """Return the stage model of a block. Raises AntcostError for an unknown one."""
    if block not in STAGE_MODELS:
        raise AntcostError(f"no block is called {block!r:.60}; {suggest(block, STAGE_MODELS)}")
    return STAGE_MODELS[block]


def set_fields(block: str, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Stage:
    """Return a stage of this block, its fields checked as those of a spec are.

    Raises SpecError, a line for each field that is unknown, missing or wrong.
    """
    model = find_stage_model(block)
    known = {name: f for name, f in model.model_fields.items() if name not in Stage.model_fields}
    marks: dict[Key, str] = {(name,): "--set" for name in settings}
    stage = {"name": block, "block": block, **defaults, **settings}
    document = Document(stage, f"block {block}", marks)
    for name in sorted(settings.keys() - known):
        document.add_error((name,), f"unknown field; {suggest(name, known)}")
    if settings.get("channels") == CLASSES:
        document.add_error(
            ("channels",), f"{CLASSES!r} is a number of networks; expected an integer"
        )
    try:
        checked = model.model_validate({k: v for k, v in stage.items() if k in model.model_fields})
    except ValidationError as error:
        add_errors(document, (), error, known)
    if document.problems:
        raise SpecError(document.problems)
    return checked


def read_settings(texts: Sequence[str]) -> dict[str, Any]:
    """Read FIELD=VALUE texts, such as "groups=2". Raises AntcostError."""
    settings = {}
    for text in texts:
        field, equals, value = text.partition("=")
        if not equals or not text.isprintable():
            raise AntcostError(f"--set {text!r}: expected FIELD=VALUE such as groups=2")
        try:
            settings[field.strip()] = read_value(value)
        except ValueError as error:
            raise AntcostError(f"--set {text}: {error}") from None
    return settings
