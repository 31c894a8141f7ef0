"""The types of block fields: what a spec may write there, and within which bounds."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Strict, Tag, WithJsonSchema, WrapValidator

from antcost.graph.layers import ActivationKind

MAX_CHANNELS = 1_048_576
MAX_KERNEL = 64
MAX_FACTOR = 1_024
CLASSES = "classes"


def _classes_or(value: Any, number: Any) -> Any:
    return value if value == CLASSES else number(value)


def _one_or_pair(value: object) -> str:
    return "<pair>" if isinstance(value, list | tuple) else "<one>"


def _word_or_size(value: object) -> str:
    return "<word>" if isinstance(value, str) else _one_or_pair(value)


_Window = Annotated[int, Field(ge=1, le=MAX_KERNEL)]
_Margin = Annotated[int, Field(ge=0, le=MAX_KERNEL)]

Size = Annotated[
    Annotated[_Window, Tag("<one>")]
    | Annotated[tuple[_Window, _Window], Strict(False), Tag("<pair>")],
    Discriminator(_one_or_pair),
]
"""An integer, or [height, width]."""

PaddingField = Annotated[
    Annotated[Literal["same", "valid"], Tag("<word>")]
    | Annotated[_Margin, Tag("<one>")]
    | Annotated[tuple[_Margin, _Margin], Strict(False), Tag("<pair>")],
    Discriminator(_word_or_size),
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

Groups = Annotated[int, Field(ge=1, le=MAX_CHANNELS)]
Expansion = Annotated[int, Field(ge=1, le=MAX_FACTOR)]
Reduction = Annotated[int, Field(ge=1, le=MAX_CHANNELS)]
Rate = Annotated[float, Field(ge=0, lt=1)]
ActivationField = ActivationKind | None
"""The function after the layer, or null for none."""
