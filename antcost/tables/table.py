"""A table as data: columns that read their values from the items of the rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import isfinite
from typing import Any, Generic, Literal, TypeVar, assert_never

from antcost.errors import AntcostError, suggest
from antcost.graph.shape import Shape
from antcost.units import (
    Printed,
    format_accuracy,
    format_bytes,
    format_change,
    format_count,
    format_exact,
    format_factor,
    format_percent,
    format_ratio,
    format_score,
    format_time,
    plain_number,
)

Unit = Literal[
    "text", "prose", "formula", "bar", "count", "difference", "bytes", "time", "delay", "share",
    "change", "times", "ratio", "percent", "score",
]  # fmt: skip
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula, as text ("h*w*k^2") and as LaTeX ("h w k^{2}")."""

    text: str
    latex: str

    def __str__(self) -> str:
        return self.text

    @property
    def plain(self) -> str:
        """The text for files: without the commas of thousands."""
        return self.text.replace(",", "")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A count with a unit of its own, where the rows of a column differ in it."""

    count: int
    unit: Unit


@dataclass(frozen=True, slots=True)
class Interval:
    """So many times, and between what: "1.08x [1.06, 1.10]"; alone if that is a point."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        middle = format_factor(Fraction(self.value))
        if self.low == self.high or not isfinite(self.high):
            return middle
        low, high = (
            format_factor(Fraction(end)).removesuffix("x") for end in (self.low, self.high)
        )
        return f"{middle} [{low}, {high}]"

    @property
    def data(self) -> dict[str, float | None]:
        """The numbers for JSON, which knows no infinity."""
        high = self.high if isfinite(self.high) else None
        return {"value": self.value, "low": self.low, "high": high}


Value = str | int | float | Fraction | Printed | Quantity | Shape | Formula | Interval | None
Cell = str | Formula
Note = str | tuple[Cell, ...]
"""A sentence under a table; with formulas in it, its parts."""


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A named column, and how it reads its value from the item of a row.

    On a narrow terminal the columns with the highest `spare` are hidden first, and prose is wrapped
    where a text is cut.
    """

    key: str
    header: str
    value: Callable[[T], Value]
    unit: Unit = "text"
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Table(Generic[T]):
    """Columns, and the items that make the rows and the total.

    `figure` is where one is that shows the same, which markdown links. `notes` belong to the table
    wherever it is pasted, `hints` only to the terminal. Markdown folds a table away behind its
    title if it is `folded`.

    JSON has `facts`, the rows under `rows_key` (none without a key) and the total, unless a fact is
    called so: of each item the columns, and what `more` reads of it. `every` are its rows where
    some of them are not shown.
    """

    title: str
    columns: Sequence[Column[T]]
    items: Sequence[T]
    notes: Sequence[Note]
    facts: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Callable[[T], Any]] = field(default_factory=dict)
    rows_key: str | None = "rows"
    every: Sequence[T] | None = None
    hints: Sequence[str] = ()
    total: T | None = None
    figure: str = ""
    folded: bool = False

    @property
    def alignment(self) -> list[str]:
        """Side of each column: numbers stand at the right."""
        texts = ("text", "prose", "formula", "bar")
        return ["left" if column.unit in texts else "right" for column in self.columns]

    def values(self) -> list[list[Value]]:
        """Return the raw values of every row, the total last."""
        body = self.items if self.total is None else [*self.items, self.total]
        return [[column.value(item) for column in self.columns] for item in body]

    def cells(self, exact: bool = False) -> list[list[Cell]]:
        """Return every cell as printed, the total last; formulas are left to the format."""
        units = [column.unit for column in self.columns]
        return [
            [show(value, unit, exact) for value, unit in zip(row, units, strict=True)]
            for row in self.values()
        ]

    def plain(self) -> dict[str, Any]:
        """Return what JSON holds, for `plain_value` to write."""
        data = dict(self.facts)
        if self.rows_key is not None:
            items = self.items if self.every is None else self.every
            data[self.rows_key] = [record(item, self.columns, self.more) for item in items]
        if self.total is not None:
            total = record(self.total, self.columns, self.more)
            data.setdefault("total", {k: v for k, v in total.items() if v is not None})
        return data


def record(
    item: T, columns: Sequence[Column[T]], more: Mapping[str, Callable[[T], Any]]
) -> dict[str, Any]:
    """Return one row for JSON: all columns, and what there is of the rest."""
    shown = {column.key: column.value(item) for column in columns if column.unit != "bar"}
    others = {key: read(item) for key, read in more.items()}
    return shown | {key: value for key, value in others.items() if value is not None}


def plain_value(value: Value) -> Any:
    """Return the value as JSON has it: exact integers, ratios as decimals."""
    match value:
        case Fraction():
            return float(value)
        case Printed():
            return plain_number(value.value)
        case Quantity():
            return value.count
        case Shape():
            return value.dims
        case Formula():
            return {"text": value.plain, "latex": value.latex}
        case Interval():
            return value.data
        case _:
            return value


def show(value: Value, unit: Unit, exact: bool = False) -> Cell:
    """Print one value; all digits of counts, bytes and times (in ps) if `exact`."""
    if value is None:
        return ""
    if isinstance(value, Formula):
        return value
    if isinstance(value, str | Shape | Printed | Interval):
        return str(value)
    if isinstance(value, Quantity):
        sign = "-" if value.count < 0 else ""
        return f"{sign}{show(abs(value.count), value.unit, exact)}"
    match unit:
        case "count":
            return format_exact(int(value)) if exact else format_count(int(value))
        case "difference":
            return f"{'+' if value > 0 else ''}{show(value, 'count', exact)}"
        case "bytes":
            return f"{format_exact(int(value))} B" if exact else format_bytes(int(value))
        case "time":
            return f"{format_exact(int(value))} ps" if exact else format_time(int(value))
        case "delay":
            sign = "+" if value > 0 else "-" if value < 0 else ""
            return f"{sign}{show(abs(int(value)), 'time', exact)}"
        case "share":
            return format_percent(Fraction(value))
        case "change":
            return format_change(Fraction(value))
        case "times":
            return format_factor(Fraction(value))
        case "ratio":
            return format_ratio(Fraction(value))
        case "percent":
            return format_accuracy(float(value))
        case "score":
            return format_score(float(value))
        case "text" | "prose" | "formula" | "bar":
            return str(value)
        case _:
            assert_never(unit)


def choose(columns: Sequence[Column[T]], keys: Iterable[str]) -> tuple[Column[T], ...]:
    """Return the columns with these keys, in this order. Raises AntcostError for an unknown key."""
    by_key = {column.key: column for column in columns}
    wanted = tuple(keys)
    for key in wanted:
        if key not in by_key:
            raise AntcostError(f"no column {key!r}; {suggest(key, by_key)}")
    return tuple(by_key[key] for key in wanted)


def ranked(items: Sequence[T], column: Column[T]) -> list[T]:
    """Sort items by one column: numbers from the largest, texts from A, empty cells last."""
    values = [(column.value(item), item) for item in items]
    filled = [pair for pair in values if pair[0] is not None]
    texts = any(isinstance(value, str) for value, _ in filled)
    filled.sort(key=lambda pair: _rank(pair[0]), reverse=not texts)
    return [item for _, item in filled] + [item for value, item in values if value is None]


def number_of(value: Value) -> int | float | Fraction | None:
    """Return the number that a value is sorted by, or None for a text."""
    match value:
        case None | str() | Formula():
            return None
        case Printed() | Interval():
            return value.value
        case Quantity():
            return value.count
        case Shape():
            return value.numel
        case _:
            return value


def _rank(value: Value) -> Any:
    return value.casefold() if isinstance(value, str) else number_of(value)
