"""A table as data: raw values in named columns. How it looks is decided in the formats."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeVar, assert_never

from antcost.errors import AntcostError, suggest
from antcost.graph.shape import Shape
from antcost.units import (
    Printed,
    format_bytes,
    format_change,
    format_count,
    format_exact,
    format_percent,
    format_ratio,
    format_times,
)

Unit = Literal["text", "count", "difference", "bytes", "share", "change", "times", "ratio"]
Value = str | int | float | Fraction | Printed | Shape | None
Cells = Mapping[str, Value]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Column:
    """A named column. On a narrow terminal those with the highest `spare` are hidden first."""

    key: str
    header: str
    unit: Unit = "text"
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of raw values by column key.

    `notes` belong to the table wherever it is pasted, `hints` only to the terminal; `data` is what
    the JSON format writes.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Cells, ...]
    data: Mapping[str, Any]
    notes: tuple[str, ...]
    hints: tuple[str, ...] = ()
    total: Cells | None = None

    @property
    def body(self) -> tuple[Cells, ...]:
        """The rows, and the total if there is one."""
        return self.rows if self.total is None else (*self.rows, self.total)

    @property
    def alignment(self) -> list[str]:
        return ["left" if column.unit == "text" else "right" for column in self.columns]

    def texts(self, exact: bool = False) -> list[list[str]]:
        """Every cell of the body as printed."""
        return [
            [show(row.get(column.key), column.unit, exact) for column in self.columns]
            for row in self.body
        ]


def show(value: Value, unit: Unit, exact: bool = False) -> str:
    """Print one value; all digits of counts and bytes if `exact`."""
    if value is None:
        return ""
    if isinstance(value, str | Shape | Printed):
        return str(value)
    count = int(value)
    match unit:
        case "count":
            return format_exact(count) if exact else format_count(count)
        case "difference":
            return ("+" if count > 0 else "") + show(value, "count", exact)
        case "bytes":
            return f"{format_exact(count)} B" if exact else format_bytes(count)
        case "share":
            return format_percent(Fraction(value))
        case "change":
            return format_change(Fraction(value))
        case "times":
            return format_times(Fraction(value))
        case "ratio":
            return format_ratio(Fraction(value))
        case "text":
            return str(value)
        case _:
            assert_never(unit)


def choose(columns: Iterable[Column], keys: Iterable[str]) -> tuple[Column, ...]:
    """The columns with these keys, in this order. Raises AntcostError for an unknown key."""
    by_key = {column.key: column for column in columns}
    unknown = next((key for key in keys if key not in by_key), None)
    if unknown is not None:
        raise AntcostError(f"no column {unknown!r}; {suggest(unknown, by_key)}")
    return tuple(by_key[key] for key in keys)


def ranked(items: Iterable[T], value: Callable[[T], Value]) -> list[T]:
    """Items by one value: numbers from the largest, texts from A, those without a value last."""
    every = list(items)
    filled = [item for item in every if value(item) is not None]
    texts = any(isinstance(value(item), str) for item in filled)
    filled.sort(key=lambda item: _rank(value(item)), reverse=not texts)
    return filled + [item for item in every if value(item) is None]


def _rank(value: Value) -> Any:
    match value:
        case Printed():
            return value.value
        case Shape():
            return value.numel
        case _:
            return value
