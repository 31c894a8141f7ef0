"""What a search found, as tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Any

from antcost.cost.analysis import NetCost
from antcost.cost.measures import Measure
from antcost.search.front import Front, FrontPoint
from antcost.search.infeasible import BoundDiagnosis
from antcost.search.objective import ENTROPY, ZEN
from antcost.search.result import Candidate, SearchResult
from antcost.search.space import Space
from antcost.tables.table import Column, Quantity, Table, Value
from antcost.units import (
    Printed,
    format_percent,
    format_size,
)
from antcost.views.predictions import latency_note
from antcost.views.winner import verdict, worth_text, worth_value

PRICE_UNITS = {"count": (10**6, "1M"), "bytes": (2**20, "1 MiB"), "time": (10**9, "1 ms")}
PROXY = "entropy and zen are proxies: they follow from widths and depths, and promise no accuracy."


@dataclass(frozen=True, slots=True)
class CostRow:
    """One measure of the base and of the network that was found."""

    measure: Measure
    budget: str
    base: int
    best: int
    price: float | None

    @property
    def change(self) -> Fraction | None:
        return Fraction(self.best, self.base) - 1 if self.base else None


def result_tables(result: SearchResult, base: NetCost, exact: bool) -> list[Table[Any]]:
    """Return what the best network costs, what was chosen, and the next best ones if asked for.

    `base` is the cost of the network that the space starts from.
    """
    tables: list[Table[Any]] = [_cost_table(result, base, exact), _choice_table(result)]
    return [*tables, *([_top_table(result)] if result.top.networks else [])]


def _cost_table(result: SearchResult, base: NetCost, exact: bool) -> Table[CostRow]:
    space, best = result.space, result.chosen
    rows = [
        CostRow(
            measure,
            ", ".join(b.text for b in space.bounds if b.measure.name == measure.name),
            int(measure.of(base)),
            best.counts[measure.name],
            max(
                (p for b, p in result.prices.items() if b.measure.name == measure.name),
                key=abs,
                default=None,
            ),
        )
        for measure in space.measures.values()
    ]
    weights = space.objective.weights if space.objective else {}
    return Table(
        title=f"{space.base.name}, {space.name}: {worth_text(space, best.worth, exact)}",
        columns=(
            Column("cost", "cost", lambda row: row.measure.label),
            Column("budget", "budget", lambda row: row.budget),
            Column("base", "base", lambda row: Quantity(row.base, row.measure.unit), "count"),
            Column("best", "best", lambda row: Quantity(row.best, row.measure.unit), "count"),
            Column("change", "change", lambda row: row.change, "change"),
            Column("price", "shadow price", _price, spare=1),
        ),
        items=rows,
        notes=(
            verdict(result),
            *([f"Also within rho <= {space.rho:g} at every scale."] if space.rho else []),
            *([PROXY] if {ENTROPY, ZEN} & weights.keys() else []),
            f"Memory, size and traffic: {space.dtype}, one image.",
            *([latency_note(space.device)] if space.device else []),
        ),
        hints=(_effort(result),),
        facts=_facts(result),
    )


def _price(row: CostRow) -> Printed | None:
    """Return the gain of one more unit of the bound, for a million, a MiB or a millisecond."""
    if row.price is None:
        return None
    units, name = PRICE_UNITS[row.measure.unit]
    text = f"{row.price * units:.3g} per {name}" if row.price else "nothing"
    return Printed(text, Fraction(row.price), Fraction(1))


def _effort(result: SearchResult) -> str:
    eliminated = f"{format_percent(Fraction(result.share_eliminated))} % eliminated by their prices"
    how = {
        "labels": f"{eliminated}, {result.examined:,} networks followed to the end"
        if result.examined
        else "the first bounds are the proof",
        "milp": "solved as a linear program by HiGHS, as the rules remember too much for a chain",
    }[result.solver]
    return f"{result.transitions:,} combinations in single stages: {how}; {result.seconds:.1f} s."


def _choice_table(result: SearchResult) -> Table[tuple[str, dict[str, str]]]:
    space, best = result.space, result.chosen
    cells: dict[str, dict[str, str]] = {stage.name: {} for stage in space.base.stages}
    for variable in space.variables:
        assert variable.stage is not None
        stage = space.base.stages[variable.stage]
        chosen, base = best.values[variable.path], getattr(stage, variable.field)
        remark = "" if _word(chosen) == _word(base) else f" ({_word(base)})"
        cells[stage.name][variable.field] = f"{_word(chosen)}{remark}"
    outer = ", ".join(f"{variable.path} {best.values[variable.path]}" for variable in space.outer)
    return Table(
        title="What was chosen",
        columns=(
            Column("stage", "stage", lambda row: row[0]),
            *(
                Column(name, name, _cell_of(name))
                for name in dict.fromkeys(variable.field for variable in space.variables)
            ),
        ),
        items=[(stage, cell) for stage, cell in cells.items() if cell],
        notes=(
            *([f"Of the whole network: {outer}."] if outer else []),
            "In brackets what the base has, where that is another value.",
        ),
    )


def _cell_of(name: str) -> Callable[[tuple[str, dict[str, str]]], str | None]:
    return lambda row: row[1].get(name)


def _word(value: Any) -> str:
    return "none" if value is None else str(list(value) if isinstance(value, tuple) else value)


def _top_table(result: SearchResult) -> Table[tuple[int, Candidate]]:
    """Return the best networks and what sets each apart from the first."""
    space, top = result.space, result.top
    budgeted = dict.fromkeys(bound.measure.name for bound in space.bounds) or space.measures

    def differs(item: tuple[int, Candidate]) -> str:
        first = top.networks[0].values
        changes = {path: value for path, value in item[1].values.items() if value != first[path]}
        return ", ".join(f"{path}={_word(value)}" for path, value in changes.items())

    def score(item: tuple[int, Candidate]) -> float:
        return top.scores[item[0] - 1]

    def count_of(measure: Measure) -> Any:
        return lambda item: Quantity(item[1].counts[measure.name], measure.unit)

    return Table(
        title=f"The best {len(top.networks):,} networks",
        columns=(
            Column("rank", "rank", lambda item: item[0], "count"),
            *([Column("score", "your score", score, "score")] if top.scores else []),
            Column("worth", "objective", lambda item: worth_value(space, item[1].worth), "score"),
            *(
                Column(name, space.measures[name].label, count_of(space.measures[name]), "count")
                for name in budgeted
            ),
            Column("differs", "differs from the best in", differs, "prose"),
        ),
        items=list(enumerate(top.networks, 1)),
        notes=() if top.complete else ("There are more; these are not all of them.",),
    )


def _facts(result: SearchResult) -> dict[str, Any]:
    """Return what JSON has beside the costs."""
    space = result.space
    return {
        "space": space.name,
        "base": space.base.name,
        "objective": str(space.objective),
        "bounds": list(map(str, space.bounds)),
        "rho": space.rho,
        "networks": result.size,
        "proven": result.proven,
        "upper": _finite(result.upper),
        "gap": _finite(result.gap),
        "solver": result.solver,
        "transitions": result.transitions,
        "eliminated": result.share_eliminated,
        "examined": result.examined,
        "seconds": result.seconds,
        "prices": {str(bound): price for bound, price in result.prices.items()},
        "best": _record(result.best) if result.best else None,
        "top": list(map(_record, result.top.networks)),
        "scores": result.top.scores,
    }


def _finite(value: float) -> float | None:
    """Return None for an infinity, which JSON does not have."""
    return value if isfinite(value) else None


def _record(one: Candidate) -> dict[str, Any]:
    return {"worth": one.worth, "counts": dict(one.counts), "set": dict(one.values)}


def front_table(front: Front) -> Table[FrontPoint]:
    """Return a row for each budget: what the best network costs, and its objective."""
    space = front.space

    def limit_of(index: int, measure: Measure) -> Any:
        return lambda point: Quantity(point.limits[index], measure.unit)

    def worth(point: FrontPoint) -> Value:
        return worth_value(space, point.best.worth) if point.best else None

    def count_of(measure: Measure) -> Any:
        return lambda point: point.best and Quantity(point.best.counts[measure.name], measure.unit)

    return Table(
        title=f"{space.base.name}, {space.name}: {space.objective} by budget",
        columns=(
            *(
                Column(f"{m.name}_limit", f"{m.label} <=", limit_of(i, m), "count")
                for i, m in enumerate(front.axes)
            ),
            Column("worth", "objective", worth, "score"),
            *(Column(m.name, m.label, count_of(m), "count") for m in space.measures.values()),
            Column("proven", "proven", lambda point: "yes" if point.proven else "no"),
        ),
        items=front.points,
        notes=(f"Every row is the best of its budget; the others: {_others(front)}.",),
        facts={
            "space": space.name,
            "objective": str(space.objective),
            "axes": [measure.name for measure in front.axes],
            "marks": [{"name": m.name, **_record(m.network)} for m in front.marks],
        },
        more={
            "limits": lambda point: point.limits,
            "proven": lambda point: point.proven,
            "upper": lambda point: _finite(point.upper),
            "best": lambda point: _record(point.best) if point.best else None,
        },
        rows_key="points",
    )


def _others(front: Front) -> str:
    named = {measure.name for measure in front.axes}
    kept = [str(b) for b in front.space.bounds if b.measure.name not in named]
    return (
        ", ".join([*kept, *([f"rho <= {front.space.rho:g}"] if front.space.rho else [])]) or "none"
    )


def infeasible_table(space: Space, found: Sequence[BoundDiagnosis]) -> Table[BoundDiagnosis]:
    """Return what each bound could be at best, alone and beside others."""

    def nearest(reach: BoundDiagnosis) -> Value:
        if reach.nearest is None:
            return "nothing"
        if reach.measure is None:
            return f"{reach.nearest:.2g}{' or less' if reach.kept else ''}"
        return Quantity(int(reach.nearest), reach.measure.unit)

    return Table(
        title=f"{space.name}: no network of {format_size(space.size)} is within the budget",
        columns=(
            Column("bound", "budget", lambda reach: reach.bound),
            Column("beside", "beside", lambda reach: ", ".join(reach.beside) or "nothing else"),
            Column("nearest", "reachable", nearest),
            Column("verdict", "verdict", lambda reach: "fits" if reach.kept else "conflict"),
        ),
        items=found,
        notes=(
            "reachable: the least (of a lower bound the most) that any network of the space costs "
            "while it keeps what stands beside; of rho, to one percent.",
        ),
        facts={"space": space.name, "networks": space.size},
        more={
            "beside": lambda reach: reach.beside,
            "reachable": lambda reach: reach.nearest,
            "kept": lambda reach: reach.kept,
        },
        rows_key="budgets",
    )
