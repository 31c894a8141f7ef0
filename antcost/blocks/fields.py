"""The types of block fields: what a spec may write there, and within which bounds."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field, PlainValidator, Strict, WithJsonSchema, WrapValidator
from pydantic_core import PydanticCustomError

from antcost.graph.layers import ActivationKind, Padding, Pair

MAX_CHANNELS = 1_048_576
MAX_KERNEL = 64
MAX_FACTOR = 1_024
CLASSES = "classes"


def _one_or_pair(least: int, *words: str) -> Callable[[object], object]:
    """Accept an integer from `least`, a list of two, or one of the words."""
    *options, last = f"an integer from {least} to {MAX_KERNEL}", "[height, width]", *words
    expected = f"{', '.join(options)} or {last}"

    def fits(value: object) -> bool:
        return type(value) is int and least <= value <= MAX_KERNEL

    def read(value: object) -> object:
        if fits(value) or (isinstance(value, str) and value in words):
            return value
        if isinstance(value, list | tuple) and len(value) == 2 and all(map(fits, value)):
            return tuple(value)
        raise PydanticCustomError("size", "{expected}", {"expected": expected})

    return read


def _one_or_pair_schema(least: int, *words: str) -> WithJsonSchema:
    one = {"type": "integer", "minimum": least, "maximum": MAX_KERNEL}
    pair = {"type": "array", "items": one, "minItems": 2, "maxItems": 2}
    return WithJsonSchema({"anyOf": [one, pair, *({"const": word} for word in words)]})


def _classes_or(value: Any, number: Any) -> Any:
    return value if value == CLASSES else number(value)


Size = Annotated[int | Pair, PlainValidator(_one_or_pair(1)), _one_or_pair_schema(1)]
"""An integer, or [height, width]."""

NonNegativeSize = Annotated[int | Pair, PlainValidator(_one_or_pair(0)), _one_or_pair_schema(0)]
"""An integer from 0, or [height, width]."""

PaddingField = Annotated[
    int | Padding,
    PlainValidator(_one_or_pair(0, "same", "valid")),
    _one_or_pair_schema(0, "same", "valid"),
]
"""same, valid, an integer, or [height, width]."""

Channels = Annotated[
    int,
    Field(ge=1, le=MAX_CHANNELS),
    WrapValidator(_classes_or),
    WithJsonSchema(
        {"anyOf": [{"const": CLASSES}, {"type": "integer", "minimum": 1, "maximum": MAX_CHANNELS}]}
    ),
]
"""Channels out; `classes` stands for the network's number of classes."""

Width = Annotated[int, Field(ge=1, le=MAX_CHANNELS)]
"""Channels inside of a block."""

Groups = Annotated[int, Field(ge=1, le=MAX_CHANNELS)]
GroupPair = Annotated[tuple[Groups, Groups], Strict(False)]
"""The groups of two convolutions that follow each other."""

Expansion = Annotated[int, Field(ge=1, le=MAX_FACTOR)]
Growth = Annotated[int, Field(ge=1, le=MAX_CHANNELS)]
"""Channels that a dense layer adds to its input."""

Condensation = Annotated[int, Field(ge=1, le=MAX_CHANNELS)]
Contraction = Annotated[int, Field(ge=1, le=MAX_FACTOR)]
"""How many times fewer channels a block has inside, or a transition leaves."""

Reduction = Annotated[int, Field(ge=1, le=MAX_CHANNELS)]
Rate = Annotated[float, Field(ge=0, lt=1)]
ActivationField = ActivationKind | None
"""The function after the layer, or null for none."""
