"""The field types and the strict model that specs, searches and device profiles share."""

from collections.abc import Callable, Mapping
from numbers import Rational
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from antcost.units import BYTE_UNITS, COUNT_UNITS, TIME_UNITS, Printed, read_printed


def _printable(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise PydanticCustomError("text", "one line of printable text")
    return text


def _reader(units: Mapping[str, Rational]) -> Callable[[object], Printed]:
    def read(value: object) -> Printed:
        try:
            return read_printed(str(value) if _is_quantity(value) else "", units)
        except ValueError:
            raise PydanticCustomError("quantity", "{known}", {"known": _known(units)}) from None

    return read


def _schema(units: Mapping[str, Rational]) -> WithJsonSchema:
    text = {"type": "string", "pattern": rf"^\d+(\.\d+)? *({'|'.join(units)})$"}
    number = [{"type": "number", "minimum": 0}] if "" in units else []
    return WithJsonSchema({"anyOf": [text, *number]})


def _is_quantity(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _known(units: Mapping[str, Rational]) -> str:
    return f"a number with one of the units {', '.join(filter(None, units))}"


Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Percent = Annotated[float, Field(ge=0, le=100)]

PrintedCount = Annotated[Printed, PlainValidator(_reader(COUNT_UNITS)), _schema(COUNT_UNITS)]
PrintedTime = Annotated[Printed, PlainValidator(_reader(TIME_UNITS)), _schema(TIME_UNITS)]
PrintedBytes = Annotated[Printed, PlainValidator(_reader(BYTE_UNITS)), _schema(BYTE_UNITS)]


class Fields(BaseModel):
    """A group of fields of a spec. Unknown ones are errors, and nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
