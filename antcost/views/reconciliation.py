"""The table of what explains published figures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from antcost.reconcile.reasons import changes
from antcost.reconcile.reconciliation import Combination, CountedFigure, Reconciliation
from antcost.sources.specs.model import Ambiguity, NetSpec
from antcost.tables.table import Column, Table
from antcost.units import plain_number
from antcost.views.network import params_label


@dataclass(frozen=True, slots=True)
class ReconciledNetwork:
    """A network, how the user named it, and what explains its published figures."""

    reference: str
    spec: NetSpec
    rows: tuple[Reconciliation, ...]


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure of an explanation of a published row; the best explanation has rank 1."""

    spec: NetSpec
    row: Reconciliation
    rank: int
    figure: CountedFigure

    @property
    def taken(self) -> tuple[Ambiguity, ...]:
        return self.row.combinations[self.rank - 1].taken

    @property
    def verdict(self) -> str:
        return f"{self.row.fits} of {len(self.row.combinations)}"


COLUMNS: tuple[Column[FigureRow], ...] = (
    Column("network", "network", lambda line: line.spec.title),
    Column("source", "published in", lambda line: line.row.published.source),
    Column("rank", "rank", lambda line: line.rank, "count"),
    Column("published", "publ.", lambda line: line.figure.printed, "count"),
    Column("count", "ours", lambda line: line.figure.count, "count"),
    Column("counted_as", "counted as", lambda line: _counted_as(line.figure), spare=3),
    Column(
        "reading", "read with", lambda line: "; ".join(map(changes, line.taken)) or None, spare=4
    ),
    Column("fit", "publ. is", lambda line: line.figure.fit, spare=2),
    Column(
        "off",
        "off",
        lambda line: line.figure.printed.miss(line.figure.count) or None,
        "change",
        spare=1,
    ),
    Column("explained_by", "fits", lambda line: line.verdict),
)
OFF = "off: ours beyond what rounds to the published figure."
TRUNCATED = "truncated: the published figure is ours without its later digits."
FITS = (
    "fits: how many of the different results of all readings and ways of counting give the figures."
)
NOT_DERIVABLE = "0 of N: not derivable; the nearest is shown."


def reconciliation_table(entries: Sequence[ReconciledNetwork], top: int) -> Table[FigureRow]:
    """Return the `top` best explanations of every published row, a line a figure; JSON has all."""
    lines = [
        FigureRow(entry.spec, row, rank, figure)
        for entry in entries
        for row in entry.rows
        for rank, combination in enumerate(row.combinations[:top], start=1)
        for figure in combination.figures
    ]
    alone = len(entries) == 1
    return Table(
        title=f"{entries[0].spec.title if alone else f'{len(entries)} networks'}: "
        "what explains the published figures",
        columns=_columns(lines, alone, top),
        items=lines,
        notes=(*_notes(lines), *_unpublished(entries)),
        hints=("The next best explanations: --top N.",) if top == 1 and lines else (),
        facts={"networks": [_data(entry) for entry in entries]},
        rows_key=None,
    )


def _columns(lines: Sequence[FigureRow], alone: bool, top: int) -> list[Column[FigureRow]]:
    """Return the columns that say something; a narrow terminal has room for `off` of one."""
    left_out = {*(["network"] if alone else []), *(["rank"] if top == 1 else [])}
    return [
        replace(column, spare=0) if alone and column.key == "off" else column
        for column in COLUMNS
        if column.key not in left_out
        and (not lines or any(column.value(line) is not None for line in lines))
    ]


def _counted_as(figure: CountedFigure) -> str:
    """Label of the count: "MAdds", or "params (no_bn)" for parameters counted in another way."""
    convention = figure.convention
    return params_label(convention) if figure.field == "params" else convention.label


def _notes(lines: Sequence[FigureRow]) -> list[str]:
    """Say what the counts, readings and columns of the lines are."""
    figures = [line.figure for line in lines]
    notes = [
        *(f"{_counted_as(f)}: {_definition(f)}." for f in figures if _counted_as(f) != "params"),
        *(f"{changes(ambiguity)}: {ambiguity.why}" for line in lines for ambiguity in line.taken),
        *(OFF for figure in figures if figure.fit == "off"),
        *(TRUNCATED for figure in figures if figure.fit == "truncated"),
        *(FITS for _ in lines),
        *(NOT_DERIVABLE for line in lines if not line.row.derivable),
    ]
    return list(dict.fromkeys(notes))


def _definition(figure: CountedFigure) -> str:
    """Say what is counted: "parameters - batch norm" for parameters."""
    if figure.field == "madds":
        return figure.convention.definition
    first, *others = figure.convention.param_terms
    return " ".join([first.name, *(f"{'-' if t.factor < 0 else '+'} {t.name}" for t in others)])


def _unpublished(entries: Sequence[ReconciledNetwork]) -> list[str]:
    """Name the networks that have nothing to explain."""
    names = [entry.spec.title for entry in entries if not entry.rows]
    return [f"No published params or MAdds: {'; '.join(names)}."] if names else []


def _data(entry: ReconciledNetwork) -> dict[str, Any]:
    """Return one network for JSON: every combination of every row, with exact integers."""
    return {
        "network": entry.spec.title,
        "spec": entry.reference,
        "ambiguous": [ambiguity.model_dump() for ambiguity in entry.spec.ambiguous],
        "published": [
            {
                "source": row.published.source,
                "derivable": row.derivable,
                "fits": row.fits,
                "combinations": [_combination(c, entry.spec) for c in row.combinations],
            }
            for row in entry.rows
        ],
    }


def _combination(combination: Combination, spec: NetSpec) -> dict[str, Any]:
    """Return one combination for JSON; `taken` are places in the network's `ambiguous`."""
    return {
        "fit": combination.fit,
        "taken": [spec.ambiguous.index(ambiguity) for ambiguity in combination.taken],
        **{figure.field: _figure(figure) for figure in combination.figures},
    }


def _figure(figure: CountedFigure) -> dict[str, Any]:
    return {
        "printed": figure.printed.text,
        "value": plain_number(figure.printed.value),
        "convention": figure.convention.name,
        "count": figure.count,
        "fit": figure.fit,
        "off": float(figure.printed.miss(figure.count)),
    }
