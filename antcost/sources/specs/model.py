"""What a spec holds once it is read: a network as rows of its paper's architecture table."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field, Strict

from antcost.graph.shape import MAX_SIDE
from antcost.yamlfile.document import Document
from antcost.yamlfile.fields import (
    Fields,
    Name,
    Percent,
    PrintedBytes,
    PrintedCount,
    PrintedTime,
    Text,
)

MAX_STAGES = 1_000
MAX_REPEAT = 1_000
MAX_CLASSES = 10_000_000
MAX_WIDTH = 100
MAX_CHANGES = 200
MAX_AMBIGUITIES = 8
MAX_HEADS = 16


Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]


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
        """Return the fields that belong to the block."""
        return {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name not in Stage.model_fields
        }


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
    auxiliary: list[Any] = Field([], max_length=MAX_HEADS)
    published: list[Any] = Field([])
    ambiguous: list[Any] = Field([], max_length=MAX_AMBIGUITIES)


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
