"""Validation errors in our words: what was expected, what was found, what is near."""

import re
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from antcost.errors import suggest
from antcost.yamlfile.document import Document, Key


def add_errors(
    document: Document, key: Key, error: ValidationError, fields: Mapping[str, FieldInfo]
) -> None:
    """Note every validation error of the part of the document at `key`, which has these fields."""
    for details in error.errors(include_url=False):
        document.add_error(
            (*key, *details["loc"]), _message(details, _around(details["loc"], fields))
        )


def _around(location: Key, fields: Mapping[str, FieldInfo]) -> Mapping[str, FieldInfo]:
    """Return the fields among which an error is: these, or those of a group, or of groups, in
    one.
    """
    for step in location[:-1]:
        group = fields[step].annotation if isinstance(step, str) and step in fields else None
        for part in (group, *get_args(group)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                fields = part.model_fields
    return fields


def _message(details: ErrorDetails, fields: Mapping[str, FieldInfo]) -> str:
    match details["type"]:
        case "extra_forbidden":
            return f"unknown field; {suggest(str(details['loc'][-1]), fields)}"
        case "missing":
            needed = (name for name, field in fields.items() if field.is_required())
            return f"missing; needed are {', '.join(needed)}"
        case "too_long":
            most = details["ctx"]["max_length"]
            return f"expected at most {most} of them, got {len(details['input'])}"
        case kind:
            expected = _expected(kind, details.get("ctx", {})) or details["msg"]
            return f"expected {expected}, got {details['input']!r:.60}{_hint(details['input'])}"


def _hint(value: object) -> str:
    """Return what to write instead of a number that YAML 1.1 reads as text, such as 1e9 or 08."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,15}(\.\d{1,15})?([eE]-?\d)?", value):
        return ""
    number = float(value)
    return f" (text in YAML 1.1; write {int(number) if number.is_integer() else number})"


def _expected(kind: str, limits: dict[str, Any]) -> str | None:
    match kind:
        case "int_type" | "int_from_float":
            return "an integer"
        case "float_type" | "finite_number":
            return "a number"
        case "string_type":
            return "text"
        case "bool_type":
            return "true or false"
        case "list_type" | "tuple_type":
            return "a list"
        case "model_type" | "dict_type":
            return "fields"
        case "greater_than_equal":
            return f"at least {limits['ge']}"
        case "greater_than":
            return f"more than {limits['gt']}"
        case "less_than_equal":
            return f"at most {limits['le']}"
        case "less_than":
            return f"less than {limits['lt']}"
        case "literal_error":
            return f"{limits['expected']}"
        case "too_short":
            return f"at least {limits['min_length']} of them"
        case "string_too_short":
            return "some text"
        case "string_too_long":
            return f"at most {limits['max_length']} characters"
        case "string_pattern_mismatch":
            return "letters, digits, - and _ (at most 64)"
        case _:
            return None
