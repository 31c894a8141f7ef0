"""A report as text: markdown that GitHub shows, and a LaTeX document of its tables and figures."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from antcost.document.contents import Report, TableItem
from antcost.tables.formats import as_paragraph, escape_markdown, render, to_json
from antcost.tables.latex import latex as latex_of_table
from antcost.tables.latex_text import escape

if TYPE_CHECKING:
    from jinja2 import Environment

SHOWN = ("svg", "png")
"""Formats of figures that a page of markdown can show, the better one first."""


def markdown(report: Report, formats: Sequence[str]) -> str:
    """Return the report with links to the files of the other formats that are written."""
    templates = environment(
        md=escape_markdown,
        paragraph=as_paragraph,
        markdown=lambda item: render(item.table, "markdown", exact=item.exact),
    )
    shown = next((suffix for suffix in SHOWN if suffix in formats), None)
    return templates.get_template("report.md").render(
        report=report,
        tables=[suffix for suffix in ("csv", "tex") if suffix in formats],
        shown=shown,
        linked=[suffix for suffix in ("pdf", "png") if suffix in formats and suffix != shown],
    )


def latex(report: Report, formats: Sequence[str]) -> str:
    """Return a document of every table, and of the figures if they are written as PDF."""
    templates = environment(tex=escape)
    return templates.get_template("report.tex").render(report=report, figures="pdf" in formats)


def table_latex(item: TableItem) -> str:
    """Return a table as it is pasted into a paper, with a label of its key."""
    return latex_of_table(item.table, item.exact, f"tab:{item.key}")


def numbers(report: Report) -> str:
    """Return every table's numbers as JSON, exact."""
    tables = {item.key: item.table.plain() for item in report.tables}
    return to_json({"title": report.title, "tables": tables}) + "\n"


def environment(*, html: bool = False, **filters: Callable[..., Any]) -> "Environment":
    """Return templates; those of other formats than HTML have marks that no format has."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        block_start_string="{%" if html else "<%",
        block_end_string="%}" if html else "%>",
        variable_start_string="{{" if html else "<<",
        variable_end_string="}}" if html else ">>",
        loader=PackageLoader("antcost.document"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        autoescape=html,
    )
    templates.filters.update(filters)
    return templates
