"""Cells as data, as architecture search finds them: which operation reads which state."""

from typing import Annotated, Literal, NamedTuple, Self, cast, get_args

from pydantic import Field, PlainValidator, Strict, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from antcost.yamlfile.fields import Fields

MAX_SUMS = 32
INPUTS = 2
Operation = Literal[
    "sep3", "sep5", "sep7", "dil3", "dil5", "c1x7", "avg3", "max3", "id", "skip"
]  # fmt: skip
OPERATIONS = get_args(Operation)


class Edge(NamedTuple):
    """An operation, and the number of the state it reads."""

    operation: Operation
    state: int


def _edge(value: object) -> Edge:
    match value:
        case [operation, state] if operation in OPERATIONS and type(state) is int:
            return Edge(cast(Operation, operation), state)
    raise PydanticCustomError(
        "edge",
        "[operation, state] with one of {operations}",
        {"operations": ", ".join(OPERATIONS)},
    )


State = Annotated[int, Field(ge=0, lt=INPUTS + MAX_SUMS)]
EdgeField = Annotated[
    Edge,
    PlainValidator(_edge),
    WithJsonSchema(
        {
            "type": "array",
            "prefixItems": [{"enum": list(OPERATIONS)}, {"type": "integer", "minimum": 0}],
            "minItems": 2,
            "maxItems": 2,
        }
    ),
]
Sum = Annotated[tuple[EdgeField, ...], Strict(False), Field(min_length=2, max_length=2)]


class Cell(Fields):
    """States 0 and 1 are the inputs, 2 and later the `sums` of two edges; `output` joins states."""

    sums: Annotated[tuple[Sum, ...], Strict(False), Field(min_length=1, max_length=MAX_SUMS)]
    output: Annotated[
        tuple[State, ...], Strict(False), Field(min_length=1, max_length=INPUTS + MAX_SUMS)
    ]

    @model_validator(mode="after")
    def _reads_what_is_there(self) -> Self:
        """A sum reads states before it."""
        edges = [(edge.state, INPUTS + i) for i, sum_ in enumerate(self.sums) for edge in sum_]
        output = [(state, INPUTS + len(self.sums)) for state in self.output]
        for state, end in (*edges, *output):
            if not 0 <= state < end:
                raise PydanticCustomError(
                    "state",
                    "states from 0 to {last} where it reads {state}",
                    {"last": end - 1, "state": state},
                )
        return self
