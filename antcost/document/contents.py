"""What a report holds: sections of sentences, tables and figures, whatever they are written as."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from antcost.tables.table import Table

if TYPE_CHECKING:
    import altair as alt


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A table; its files are called by its key.

    `about` has the key of the section that each row is about, none for rows that have no section. A
    `long` one is for files, and is folded or only linked where people read. An `exact` one has
    every digit.
    """

    key: str
    table: Table[Any]
    about: tuple[str | None, ...] = ()
    long: bool = False
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and its caption; its files are called by its key.

    `axes` are the names of what it shows across and up, where it is one of several to choose from;
    a `spare` one is left out where nobody can choose. `draw` makes the chart.
    """

    key: str
    caption: str
    draw: Callable[[], alt.TopLevelMixin]
    axes: tuple[str, str] | None = None
    spare: bool = False


Item = str | Exhibit | Figure
"""A paragraph of plain text, a table, or a figure."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it; `of_network` if it is about one network alone."""

    key: str
    heading: str
    items: tuple[Item, ...]
    of_network: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """A title, sections, and the sources as BibTeX.

    No two sections have the same key, nor two tables, nor two figures.
    """

    title: str
    sections: tuple[Section, ...]
    bibliography: str

    @property
    def exhibits(self) -> Iterator[Exhibit]:
        """All tables, in order."""
        return (item for each in self.sections for item in each.items if isinstance(item, Exhibit))

    @property
    def figures(self) -> Iterator[Figure]:
        """All figures, in order."""
        return (item for each in self.sections for item in each.items if isinstance(item, Figure))
