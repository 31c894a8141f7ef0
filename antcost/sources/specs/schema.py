"""The JSON Schema of a spec file, made from the models that check it."""

from typing import Any

from antcost.sources.specs.model import Ambiguity, HeadFields, NetworkFields, Published
from antcost.sources.specs.stages import STAGE_MODELS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the schema of a spec as it stands in a file.

    There, `extends` and `set` are allowed, and `extends` leaves every other field to the parent.
    """
    schema = NetworkFields.model_json_schema()
    stages = [_stage_schema(name) for name in sorted(STAGE_MODELS)]
    definitions = {name: part for stage in stages for name, part in stage.pop("$defs", {}).items()}
    schema["$defs"] = {**definitions, "stage": {"oneOf": stages}}
    head = HeadFields.model_json_schema()
    for owner in (schema, head):
        owner["properties"]["stages"]["items"] = {"$ref": "#/$defs/stage"}
    schema["properties"]["auxiliary"]["items"] = head
    schema["properties"]["published"]["items"] = Published.model_json_schema()
    schema["properties"]["ambiguous"]["items"] = Ambiguity.model_json_schema()
    schema["properties"] |= {
        "extends": {
            "type": ["string", "null"],
            "description": "File or shipped network to start from.",
        },
        "set": {
            "type": ["object", "null"],
            "description": 'Overrides by path, such as "ant[2-7].groups": 2.',
        },
    }
    required = schema.pop("required")
    return {
        "$schema": DIALECT,
        **schema,
        "title": "antcost spec",
        "description": "A neural network as its paper's architecture table, one stage a row.",
        "anyOf": [{"required": ["extends"]}, {"required": required}],
    }


def _stage_schema(name: str) -> dict[str, Any]:
    schema = STAGE_MODELS[name].model_json_schema()
    schema["properties"]["block"] = {"const": name}
    return schema
