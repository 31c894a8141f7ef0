"""The contents of a report, in any format: sections of sentences, tables and figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from antcost.tables.table import Table

if TYPE_CHECKING:
    import altair as alt


@dataclass(frozen=True, slots=True)
class TableItem:
    """A table of a report; its key names its files.

    `about` has for each row the key of the section about that row's network, if there is one. A
    `long` table is folded or only linked where people read. An `exact` one has every digit.
    """

    key: str
    table: Table[Any]
    about: tuple[str | None, ...] = ()
    long: bool = False
    exact: bool = False


@dataclass(frozen=True)
class Figure:
    """A figure of a report and its caption; its key names its files.

    `axes` are the names of its axes, across and up, if it is one of several to choose from; a
    `spare` one is left out where nobody can choose.
    """

    key: str
    caption: str
    draw: Callable[[], alt.TopLevelMixin]
    axes: tuple[str, str] | None = None
    spare: bool = False

    @cached_property
    def chart(self) -> alt.TopLevelMixin:
        """Return the chart, drawn once for all formats."""
        return self.draw()


Item = str | TableItem | Figure
"""A paragraph of plain text, a table, or a figure."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the items under it; `of_network` if it is about one network alone."""

    key: str
    heading: str
    items: tuple[Item, ...]
    of_network: bool = False

    @property
    def choices(self) -> list[Figure]:
        """The figures of which a page shows one at a time."""
        return [item for item in self.items if isinstance(item, Figure) and item.axes]

    @property
    def printed(self) -> list[Item]:
        """The items for formats in which nobody can choose a figure."""
        return [item for item in self.items if not (isinstance(item, Figure) and item.spare)]


@dataclass(frozen=True, slots=True)
class Report:
    """A title, sections, and the sources as BibTeX.

    Keys are unique among the sections, among the tables and among the figures.
    """

    title: str
    sections: tuple[Section, ...]
    bibliography: str

    @property
    def items(self) -> list[Item]:
        """The items of all sections, in order."""
        return [item for section in self.sections for item in section.items]

    @property
    def tables(self) -> list[TableItem]:
        return [item for item in self.items if isinstance(item, TableItem)]

    @property
    def figures(self) -> list[Figure]:
        return [item for item in self.items if isinstance(item, Figure)]
