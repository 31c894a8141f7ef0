"""What a spec holds once it is read: a network as rows of its paper's architecture table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Rational
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    Strict,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from antcost.spec.document import Document
from antcost.units import BYTE_UNITS, COUNT_UNITS, TIME_UNITS, Printed, read_printed

MAX_STAGES = 1_000
MAX_REPEAT = 1_000
MAX_SIDE = 65_536
MAX_CLASSES = 10_000_000
MAX_WIDTH = 100
MAX_CHANGES = 200
MAX_AMBIGUITIES = 8
MAX_HEADS = 16


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
Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
Percent = Annotated[float, Field(ge=0, le=100)]

PrintedCount = Annotated[Printed, PlainValidator(_reader(COUNT_UNITS)), _schema(COUNT_UNITS)]
PrintedTime = Annotated[Printed, PlainValidator(_reader(TIME_UNITS)), _schema(TIME_UNITS)]
PrintedBytes = Annotated[Printed, PlainValidator(_reader(BYTE_UNITS)), _schema(BYTE_UNITS)]


class Fields(BaseModel):
    """A group of fields of a spec. Unknown ones are errors, and nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Published(Fields):
    """What one source printed about the network; `note` says why it is not what we count."""

    source: Text
    params: PrintedCount | None = None
    madds: PrintedCount | None = None
    top1: Percent | None = None
    top5: Percent | None = None
    latency: PrintedTime | None = None
    size: PrintedBytes | None = None
    note: Text | None = None


class Ambiguity(Fields):
    """What the source leaves open: `why`, and what to `set` for the reading not taken here."""

    why: Text
    set: Annotated[dict[str, Any], Field(min_length=1, max_length=MAX_CHANGES)]


class Stage(Fields):
    """One row of the architecture table. Each block adds its own fields in a subclass."""

    name: Name
    block: str
    repeat: Annotated[int, Field(ge=1, le=MAX_REPEAT)] = 1

    def fields(self) -> dict[str, Any]:
        """The fields that belong to the block."""
        return {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name not in Stage.model_fields
        }


StageModels = Mapping[str, type[Stage]]
"""The stage model of every block, by the block's name."""


class HeadFields(Fields):
    """The fields of an auxiliary head; its stages have models of their own."""

    after: Name
    stages: Annotated[list[Any], Field(min_length=1, max_length=MAX_STAGES)]


class NetworkFields(Fields):
    """The fields of a network; the rows of its lists have models of their own."""

    name: Text
    input: Annotated[tuple[Side, ...], Strict(False), Field(min_length=1, max_length=4)]
    classes: Annotated[int, Field(ge=1, le=MAX_CLASSES)]
    width: Annotated[float, Field(gt=0, le=MAX_WIDTH, allow_inf_nan=False)] = 1.0
    stages: Annotated[list[Any], Field(min_length=1, max_length=MAX_STAGES)]
    auxiliary: Annotated[list[Any], Field(max_length=MAX_HEADS)] = []
    published: list[Any] = []
    ambiguous: Annotated[list[Any], Field(max_length=MAX_AMBIGUITIES)] = []


@dataclass(frozen=True, slots=True)
class Head:
    """An auxiliary head: stages that only training has, on the output of the stage `after`."""

    after: str
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class NetSpec:
    """A network: typed and within bounds, though its shapes may still not fit together.

    `input` is (channels, height, width) or another shape with channels first; `width` multiplies
    the channels of all stages; `auxiliary` are heads that only training has; `overrides` were set
    on top of the file ("ant4.channels=72").
    """

    name: str
    input: tuple[int, ...]
    classes: int
    width: float
    stages: tuple[Stage, ...]
    published: tuple[Published, ...] = ()
    ambiguous: tuple[Ambiguity, ...] = ()
    overrides: tuple[str, ...] = ()
    auxiliary: tuple[Head, ...] = ()
    document: Document = field(default_factory=lambda: Document({}, ""), compare=False, repr=False)

    @property
    def title(self) -> str:
        """The name, with what was set on top of the file."""
        return " with ".join(filter(None, (self.name, ", ".join(self.overrides))))
