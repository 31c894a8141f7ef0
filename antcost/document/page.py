"""A report as one HTML page, which needs no other file and no network."""

from antcost.document.contents import Report, TableItem
from antcost.document.writing import environment, table_latex
from antcost.tables.formats import escape_html, render
from antcost.tables.table import Value, number_of, show
from antcost.version import __version__


def page(report: Report) -> str:
    """Return the report as one HTML page, whose Content-Security-Policy allows no request."""
    from markupsafe import Markup
    from vl_convert import javascript_bundle

    templates = environment(html=True, markup=lambda cell: Markup(escape_html(cell)))
    return templates.get_template("page.html").render(
        report=report,
        version=__version__,
        vega=Markup(javascript_bundle("window.vegaEmbed = vegaEmbed;")),
        zip=zip,
        show=show,
        sort_value=_sort_value,
        copies=_copies,
    )


def _copies(item: TableItem) -> dict[str, str]:
    """Return the table in the formats in which it can be copied."""
    return {
        "LaTeX": table_latex(item),
        "Markdown": render(item.table, "markdown", exact=item.exact),
        "CSV": render(item.table, "csv"),
    }


def _sort_value(value: Value) -> float | None:
    number = number_of(value)
    return None if number is None else float(number)
