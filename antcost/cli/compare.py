"""`antcost compare`: several networks side by side."""

from typing import Annotated

from typer import Option

from antcost.api import analyze
from antcost.blocks.build import load
from antcost.cli.batch import read_each
from antcost.cli.options import (
    ColumnsOption,
    CountOption,
    ExactOption,
    FormatOption,
    InplaceOption,
    OutputOption,
    SetOption,
    SortOption,
    SpecArguments,
    TrainingOption,
    column_keys,
)
from antcost.cli.output import emit
from antcost.cost.convention import find_convention
from antcost.report.comparison import Entry, compare_table, find_entry


def compare(
    specs: SpecArguments,
    columns: ColumnsOption = None,
    sort: SortOption = None,
    baseline: Annotated[
        str | None, Option(metavar="NAME", help="Say how many times smaller than this network.")
    ] = None,
    count: CountOption = "madds",
    set_: SetOption = None,
    inplace: InplaceOption = False,
    training: TrainingOption = False,
    exact: ExactOption = False,
    format_: FormatOption = "text",
    output: OutputOption = None,
) -> None:
    """Several networks, a row each, beside what was published about them.

    A network that fails is reported at the end, with exit code 1; the others are still shown.
    """
    convention = find_convention(count)
    with read_each(specs, lambda reference: _entry(reference, set_, training)) as entries:
        if entries:
            base = None
            if baseline is not None:
                base = find_entry(entries, baseline) or _entry(baseline, set_, training)
            result = compare_table(
                entries,
                convention,
                baseline=base,
                columns=column_keys(columns),
                sort=sort,
                inplace=inplace,
            )
            emit(result, format_, exact, output)


def _entry(reference: str, overrides: list[str] | None, training: bool) -> Entry:
    spec = load(reference, overrides or ())
    return Entry(reference, spec, analyze(spec, training=training))
