"""A report as text: markdown that GitHub shows, and a LaTeX document of its tables and figures."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from antcost.document.contents import Exhibit, Figure, Item, Report
from antcost.tables.formats import as_paragraph, escape_markdown, render, to_json
from antcost.tables.latex import latex as latex_of_table
from antcost.tables.latex_text import escape

if TYPE_CHECKING:
    from jinja2 import Environment

SHOWN = ("svg", "png")
"""Formats of figures that a page of markdown can show, the better one first."""


def markdown(report: Report, formats: Sequence[str]) -> str:
    """The report with links to the files of the other formats that are written."""
    environment = _environment(
        md=escape_markdown,
        paragraph=as_paragraph,
        markdown=lambda item: render(item.table, "markdown", exact=item.exact),
    )
    shown = next((suffix for suffix in SHOWN if suffix in formats), None)
    return environment.get_template("report.md").render(
        report=report,
        tables=[suffix for suffix in ("csv", "tex") if suffix in formats],
        shown=shown,
        linked=[suffix for suffix in ("pdf", "png") if suffix in formats and suffix != shown],
    )


def latex(report: Report, formats: Sequence[str]) -> str:
    """A document that inputs every table, and shows the figures if they are written as PDF."""
    environment = _environment(tex=escape)
    return environment.get_template("report.tex").render(report=report, figures="pdf" in formats)


def table_latex(exhibit: Exhibit) -> str:
    """A table as it is pasted into a paper, with a label of its key."""
    return latex_of_table(exhibit.table, exhibit.exact, f"tab:{exhibit.key}")


def numbers(report: Report) -> str:
    """Every table's numbers as JSON, exact."""
    tables = {exhibit.key: exhibit.table.plain() for exhibit in report.exhibits}
    return to_json({"title": report.title, "tables": tables}) + "\n"


def _environment(**filters: Callable[[Any], str]) -> "Environment":
    """Templates whose marks neither markdown nor LaTeX has."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        loader=PackageLoader("antcost.document"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        autoescape=False,
    )
    environment.filters.update(filters, printed=_printed)
    environment.tests["exhibit"] = lambda item: isinstance(item, Exhibit)
    return environment


def _printed(items: Sequence[Item]) -> list[Item]:
    """What is shown where nobody can choose."""
    return [item for item in items if not (isinstance(item, Figure) and item.spare)]
