"""The table of closed forms: of a block, a stage or a network.

This module needs SymPy; it is imported when first used.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from typing import Any, Literal

from sympy import Add, Expr, Mul, Symbol

from antcost.cost.analysis import Row
from antcost.cost.convention import CONVENTIONS
from antcost.explain.blocks import ClosedForm, FormPart
from antcost.explain.conditions import Divides, required, taken_for_granted, without_implied
from antcost.explain.networks import ResolutionForm, WidthForm
from antcost.explain.symbols import (
    MEANINGS,
    expression,
    is_rounded,
    letter,
    value,
    without_rounding,
)
from antcost.tables.table import Cell, Column, Formula, Note, Table, choose, record
from antcost.units import format_exact
from antcost.views.formula import factored, formula

ALPHA = Formula("alpha", r"\alpha")
BOUNDS = {
    "": ALPHA,
    "<=": Formula("alpha <= 1", r"\alpha \le 1"),
    ">=": Formula("alpha >= 1", r"\alpha \ge 1"),
}


@dataclass(frozen=True, slots=True)
class FormulaRow:
    """A layer, stage or total: its closed forms, and what they are here, in numbers."""

    name: str
    operator: str
    blocks: str
    madds: Formula | None
    params: Formula | None
    madds_here: int | None = None
    params_here: int | None = None


COLUMNS: tuple[Column[FormulaRow], ...] = (
    Column("name", "name", lambda line: line.name),
    Column("operator", "operator", lambda line: line.operator, spare=4),
    Column("blocks", "blocks", lambda line: line.blocks, spare=1),
    Column("madds", "MAdds", lambda line: line.madds, "formula"),
    Column("madds_here", "MAdds here", lambda line: line.madds_here, "count", spare=1),
    Column("params", "params", lambda line: line.params, "formula", spare=3),
    Column("params_here", "params here", lambda line: line.params_here, "count", spare=2),
)


def form_table(
    form: ClosedForm, *, network: str = "", columns: Sequence[str] = (), free: bool = False
) -> Table[FormulaRow]:
    """Return a row for each layer of a block, or of a stage of `network`; the sum is a note.

    Layers that cost nothing are left out unless `free`; JSON always has them. Raises AntcostError
    for a column that does not exist.
    """
    every = [_layer(form, part, row) for part in form.parts for row in part.layers]
    lines = [line for line in every if free or str(line.madds) != "0" or str(line.params) != "0"]
    hidden = len(every) - len(lines)
    madds, params = _total(form, "madds"), _total(form, "params")
    numbers = (form.actual.madds, form.actual.params) if form.actual else (None, None)
    total = FormulaRow("total", "", "", None, None, *numbers)
    title = f"{form.block}: {_dimensions(form.input.dims)} to {_dimensions(form.output.dims)}"
    counts = ["madds", "params"]
    if form.actual:
        title = f"{network}, {form.actual.name}: {form.actual.input} to {form.actual.output}"
        counts = ["madds", "madds_here", "params", "params_here"]
    blocks = ["blocks"] if any(part.label for part in form.parts) else []
    chosen = choose(COLUMNS, columns or ["name", "operator", *blocks, *counts])
    numbered = form.actual and any(column.unit == "count" for column in chosen)
    return Table(
        title=title,
        columns=chosen,
        items=lines,
        total=total if numbered else None,
        notes=(
            _equation("MAdds", madds, total.madds_here),
            _equation("params", params, total.params_here),
            *_meanings(form),
            *([("Here ", *_values(form.values), ".")] if form.values else []),
            *_roundings(form),
            f"MAdds: {CONVENTIONS['madds'].definition}.",
        ),
        hints=(f"Free rows not shown: {hidden} (--all).",) if hidden else (),
        facts={
            "title": title,
            "block": form.block,
            "here": _numbers(form.values),
            "required": [_condition_data(condition) for condition in _required(form)],
            "exact_where": [_condition_data(condition) for condition in _granted(form)],
            "total": record(replace(total, madds=madds, params=params), COLUMNS, {}),
        },
        every=every,
    )


def _layer(form: ClosedForm, part: FormPart, row: Row) -> FormulaRow:
    counts = expression(row.madds), expression(row.params)
    madds, params = (formula(_written(part.times, count)) for count in counts)
    here = [
        int(value(part.times * count, form.values)) if form.actual else None for count in counts
    ]
    return FormulaRow(row.name, row.operator, part.label, madds, params, *here)


def _total(form: ClosedForm, count: Literal["madds", "params"]) -> Formula:
    """Return the sum over the parts, of which the repeated one is factored by itself."""
    counts = [(part.times, expression(getattr(part.block, count))) for part in form.parts]
    once = Add(*(expr for times, expr in counts if times == 1))
    repeated = [(times, expr) for times, expr in counts if times != 1]
    terms = [_written(*each) for each in ((1, once), *repeated)]
    return formula(Add(*(term for term in terms if term != 0), evaluate=False))


def _written(times: Expr, count: Expr) -> Expr:
    """Write the count of several blocks: SymPy would multiply N - 1 out."""
    expr = factored(without_rounding(count))
    return expr if times == 1 or expr == 0 else Mul(times, expr, evaluate=False)


def _equation(name: str, total: Formula, number: int | None) -> Note:
    if number is None or total.text == format_exact(number):
        return (f"{name} = ", total)
    return (f"{name} = ", total, f" = {format_exact(number)} here")


def _meanings(form: ClosedForm) -> list[Note]:
    """Say what the letters that occur stand for."""
    symbols = {s for count in (form.madds, form.params) for s in count.free_symbols}
    letters = [name for name in _sorted_names(symbols) if name not in ("h", "w")]
    output = [str(side) for side in form.output.dims[1:]]
    sides, which = (form.output, "output") if output == ["h", "w"] else (form.input, "input")
    groups: list[list[Cell]] = []
    if "h" in map(str, symbols) or "w" in map(str, symbols):
        groups.append([_dimensions(sides.dims[1:]), f": {which} map"])
    for base, names in groupby(letters, _base):
        enumerated = _joined(", ", ([_letter(name)] for name in names))
        groups.append([*enumerated, f": {MEANINGS[base]}"])
    return [(*_joined("; ", groups), ".")] if groups else []


def _values(values: Mapping[Symbol, int]) -> list[Cell]:
    """Write the numbers that the letters stand for: "h = 28, w = 28"."""
    numbers = _numbers(values)
    return _joined(", ", ([_letter(n), f" = {numbers[n]}"] for n in _sorted_names(values)))


def _joined(separator: str, groups: Iterable[Sequence[Cell]]) -> list[Cell]:
    return [cell for group in groups for cell in (separator, *group)][1:]


def _roundings(form: ClosedForm) -> list[Note]:
    """Say what groups have to divide, where formulas are exact, and what they would give here."""
    notes: list[Note] = []
    if groups := _required(form):
        notes.append((*_listed(groups, " has to divide "), "."))
    if granted := _granted(form):
        exact = _listed(granted, " divides ")
        notes.append(("Exact where ", *exact, "; other quotients are rounded down or refused."))
    if form.actual:
        madds, params = (value(without_rounding(c), form.values) for c in (form.madds, form.params))
        if madds != form.actual.madds or params != form.actual.params:
            notes.append(
                f"Here it is rounded down: the formulas would give {_number(madds)} MAdds and "
                f"{_number(params)} parameters."
            )
    return notes


def _listed(conditions: Sequence[Divides], verb: str) -> list[Cell]:
    """ "r divides t*c_i and t*c_o, 4 divides c_o"."""
    return _joined(", ", (
        [formula(divisor), verb, *_joined(
            " and ", ([formula(c.dividend)] for c in conditions if c.divisor == divisor)
        )]
        for divisor in dict.fromkeys(condition.divisor for condition in conditions)
    ))  # fmt: skip


def _required(form: ClosedForm) -> list[Divides]:
    """Return what groups have to divide, or the block is refused."""
    return without_implied(required(node for part in form.parts for node in part.block.nodes))


def _granted(form: ClosedForm) -> list[Divides]:
    """Return what else has to divide what, so that the formulas without rounding are exact."""
    return without_implied(taken_for_granted([form.madds, form.params]), _required(form))


def network_table(
    form: ResolutionForm, widths: Sequence[WidthForm], *, columns: Sequence[str] = ()
) -> Table[FormulaRow]:
    """Return a row for each stage in the resolution of the input; the width is a note.

    Raises AntcostError for a column that does not exist.
    """
    lines = [
        _stage_line(row, actual)
        for row, actual in zip(form.cost.by("stage"), form.actual.by("stage"), strict=True)
    ]
    total = _stage_line(form.cost.whole, form.actual.whole)
    graph = form.actual.graph
    varying = expression(form.cost.params).free_symbols
    params = ["params", "params_here"] if varying else ["params_here"]
    title = f"{graph.name}, {graph.input} to {graph.output}"
    return Table(
        title=title,
        columns=choose(COLUMNS, columns or ["name", "operator", "madds", "madds_here", *params]),
        items=lines,
        total=total,
        notes=(
            *_resolution_notes(form),
            *map(_width_note, widths),
            f"MAdds: {CONVENTIONS['madds'].definition}.",
        ),
        facts={
            "title": title,
            "input": [formula(side).plain for side in form.sides],
            "here": _numbers(form.values),
            "width": [_width_data(width) for width in widths],
        },
        more={"params": lambda line: line.params},
    )


def _stage_line(row: Row, actual: Row) -> FormulaRow:
    madds, params = expression(row.madds), expression(row.params)
    return FormulaRow(
        row.name,
        row.operator,
        "",
        None if is_rounded(madds) else formula(madds.expand()),
        None if is_rounded(params) else formula(params.expand()),
        actual.madds,
        actual.params,
    )


def _resolution_notes(form: ResolutionForm) -> list[Note]:
    if not form.sides:
        return ["The input is no map: there is no resolution to vary."]
    h, w = map(formula, form.sides)
    notes: list[Note] = [
        ("Exact for inputs of ", h, " x ", w, "; here ", *_values(form.values), ".")
    ]
    if is_rounded(expression(form.cost.madds)) or is_rounded(expression(form.cost.params)):
        notes.append("No polynomial where a cell is empty: maps are rounded at every resolution.")
    return notes


def _width_note(width: WidthForm) -> Note:
    return (
        "Width ",
        BOUNDS[width.bound],
        ": MAdds = ",
        formula(width.madds),
        ", params = ",
        formula(width.params),
        f"; exact {_exact_where(width)}; elsewhere channels or quotients are rounded.",
    )


def _exact_where(width: WidthForm) -> str:
    """Say at which widths the form is exact."""
    step = width.step
    multiples = "for integers" if step == 1 else f"for multiples of {step}"
    return f"at 1 and {multiples}" if width.exact_at_1 and 1 % step else multiples


def _dimensions(dims: Sequence[int]) -> Formula:
    """Write sides as in "2*h x 2*w"."""
    exprs = [without_rounding(expression(dimension)) for dimension in dims]
    formulas = [formula(expr) for expr in exprs]
    brackets = ["({})" if expr.is_Add else "{}" for expr in exprs]
    return Formula(
        " x ".join(b.format(part.text) for b, part in zip(brackets, formulas, strict=True)),
        r" \times ".join(b.format(part.latex) for b, part in zip(brackets, formulas, strict=True)),
    )


def _sorted_names(symbols: Iterable[Symbol]) -> list[str]:
    """Return names in the order of `MEANINGS`, others first."""
    order = list(MEANINGS)
    names = (symbol.name for symbol in symbols)
    return sorted(
        names, key=lambda name: (order.index(_base(name)) if _base(name) in order else -1, name)
    )


def _base(name: str) -> str:
    """Return k of k_h, g of g_1; but c_i is a letter of its own."""
    return name if name in MEANINGS else name.partition("_")[0]


def _letter(name: str) -> Formula:
    return formula(letter(name))


def _number(number: Fraction) -> str:
    return format_exact(int(number)) if number.denominator == 1 else f"{float(number):,.2f}"


def _numbers(values: Mapping[Symbol, int]) -> dict[str, int]:
    return {symbol.name: number for symbol, number in values.items()}


def _condition_data(condition: Divides) -> dict[str, str]:
    return {
        "divisor": formula(condition.divisor).plain,
        "dividend": formula(condition.dividend).plain,
    }


def _width_data(width: WidthForm) -> dict[str, Any]:
    return {
        "alpha": f"{width.bound} 1" if width.bound else None,
        "madds": formula(width.madds),
        "params": formula(width.params),
        "exact_for_multiples_of": str(width.step),
        "exact_at_1": width.exact_at_1,
    }
