"""What a search found, as tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Any

from antcost.cost.analysis import NetCost
from antcost.cost.measures import Measure, format_measure
from antcost.search.front import Front, Point
from antcost.search.infeasible import BoundDiagnosis
from antcost.search.objective import ENTROPY, ZEN
from antcost.search.run import Candidate, Report
from antcost.search.space import Space
from antcost.search.winner import format_worth, verdict, worth_text
from antcost.tables.table import Column, Table, Value
from antcost.units import (
    Printed,
    format_percent,
    format_score,
    format_size,
)
from antcost.views.predictions import latency_note

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


@dataclass(frozen=True, slots=True)
class StageRow:
    """What was chosen for one stage, by field, and what the base has there."""

    name: str
    chosen: dict[str, Any]
    base: dict[str, Any]


def result_tables(report: Report, base: NetCost, exact: bool) -> list[Table[Any]]:
    """What the best network costs, what was chosen, and the next best ones if they were asked for.

    `base` is the cost of the network that the space starts from.
    """
    chosen = report.chosen
    tables: list[Table[Any]] = [
        _cost_table(report, chosen, base, exact),
        _choice_table(report, chosen),
    ]
    return [*tables, *([near_table(report, exact)] if report.near else [])]


def _cost_table(report: Report, best: Candidate, base: NetCost, exact: bool) -> Table[CostRow]:
    space = report.space
    rows = [
        CostRow(
            measure,
            ", ".join(b.text for b in space.bounds if b.measure.name == measure.name),
            int(measure.of(base)),
            best.counts[measure.name],
            max(
                (p for b, p in report.prices.items() if b.measure.name == measure.name),
                key=abs,
                default=None,
            ),
        )
        for measure in space.measures.values()
    ]

    def printed(count: int, measure: Measure) -> Printed:
        return Printed(format_measure(measure, count, exact), Fraction(count), Fraction(1))

    weights = space.objective.weights if space.objective else {}
    return Table(
        title=f"{space.base.name}, {space.name}: {worth_text(space, best.worth, exact)}",
        columns=(
            Column("cost", "cost", lambda row: row.measure.label),
            Column("budget", "budget", lambda row: row.budget),
            Column("base", "base", lambda row: printed(row.base, row.measure), "count"),
            Column("best", "best", lambda row: printed(row.best, row.measure), "count"),
            Column("change", "change", lambda row: row.change, "change"),
            Column("price", "shadow price", lambda row: _price(row), spare=1),
        ),
        items=rows,
        notes=(
            verdict(report),
            *([f"Also within rho <= {space.rho:g} at every scale."] if space.rho else []),
            *([PROXY] if {ENTROPY, ZEN} & weights.keys() else []),
            f"Memory, size and traffic: {space.dtype}, one image.",
            *([latency_note(space.device)] if space.device else []),
        ),
        hints=(_effort(report),),
        data=lambda: _data(report, base),
    )


def _price(row: CostRow) -> Printed | None:
    """What one more unit of the bound is worth, printed for a million, a MiB or a millisecond."""
    if row.price is None:
        return None
    units, name = PRICE_UNITS[row.measure.unit]
    text = f"{row.price * units:.3g} per {name}" if row.price else "nothing"
    return Printed(text, Fraction(row.price), Fraction(1))


def _effort(report: Report) -> str:
    eliminated = f"{format_percent(Fraction(report.eliminated))} % eliminated by their prices"
    how = {
        "labels": f"{eliminated}, {report.looked_at:,} networks followed to the end"
        if report.looked_at
        else "the first bounds are the proof",
        "milp": "solved as a linear program by HiGHS, as the rules remember too much for a chain",
    }[report.solver]
    return f"{report.ways:,} ways through single stages: {how}; {report.seconds:.1f} s."


def _choice_table(report: Report, best: Candidate) -> Table[StageRow]:
    space = report.space
    rows = {stage.name: StageRow(stage.name, {}, {}) for stage in space.base.stages}
    for variable in space.variables:
        assert variable.stage is not None
        stage = space.base.stages[variable.stage]
        rows[stage.name].chosen[variable.field] = best.values[variable.path]
        rows[stage.name].base[variable.field] = getattr(stage, variable.field)
    fields = dict.fromkeys(variable.field for variable in space.variables)
    outer = ", ".join(f"{variable.path} {best.values[variable.path]}" for variable in space.outer)
    return Table(
        title="What was chosen",
        columns=(
            Column("stage", "stage", lambda row: row.name),
            *(Column(name, name, _cell_of(name)) for name in fields),
        ),
        items=[row for row in rows.values() if row.chosen],
        notes=(
            *([f"Of the whole network: {outer}."] if outer else []),
            "In brackets what the base has, where that is another value.",
        ),
    )


def _cell_of(name: str) -> Any:
    def cell(row: StageRow) -> Value:
        if name not in row.chosen:
            return None
        chosen, base = (_word(values[name]) for values in (row.chosen, row.base))
        return chosen if chosen == base else f"{chosen} ({base})"

    return cell


def _word(value: Any) -> str:
    return "none" if value is None else str(list(value) if isinstance(value, tuple) else value)


def near_table(report: Report, exact: bool) -> Table[tuple[int, Candidate]]:
    """The best networks and what sets each apart from the very best."""
    space, best = report.space, report.near[0]
    budgeted = dict.fromkeys(bound.measure.name for bound in space.bounds) or space.measures

    def differs(item: tuple[int, Candidate]) -> str:
        changes = (
            f"{path}={_word(value)}"
            for path, value in item[1].values.items()
            if value != best.values[path]
        )
        return ", ".join(changes)

    def worth(item: tuple[int, Candidate]) -> str:
        return format_worth(space, item[1].worth, exact)

    def score(item: tuple[int, Candidate]) -> str:
        return format_score(report.scores[item[0] - 1])

    def count_of(measure: Measure) -> Any:
        return lambda item: Printed(
            format_measure(measure, item[1].counts[measure.name], exact),
            Fraction(item[1].counts[measure.name]),
            Fraction(1),
        )

    return Table(
        title=f"The best {len(report.near):,} networks",
        columns=(
            Column("rank", "rank", lambda item: item[0], "count"),
            *([Column("score", "your score", score, "ratio")] if report.scores else []),
            Column("worth", "objective", worth, "count"),
            *(
                Column(name, space.measures[name].label, count_of(space.measures[name]), "count")
                for name in budgeted
            ),
            Column("differs", "differs from the best in", differs, "prose"),
        ),
        items=list(enumerate(report.near, 1)),
        notes=() if report.near_complete else ("There are more; these are not all of them.",),
    )


def _data(report: Report, base: NetCost) -> dict[str, Any]:
    """Everything for JSON, exactly."""
    space = report.space
    return {
        "space": space.name,
        "base": space.base.name,
        "objective": str(space.objective),
        "bounds": [str(bound) for bound in space.bounds],
        "rho": space.rho,
        "networks": report.size,
        "proven": report.proven,
        "upper": _finite(report.upper),
        "gap": _finite(report.gap),
        "solver": report.solver,
        "ways": report.ways,
        "eliminated": report.eliminated,
        "looked_at": report.looked_at,
        "seconds": report.seconds,
        "prices": {str(bound): price for bound, price in report.prices.items()},
        "base_counts": {name: int(m.of(base)) for name, m in space.measures.items()},
        "best": _candidate_data(report.best) if report.best else None,
        "near": [_candidate_data(one) for one in report.near],
        "scores": list(report.scores),
    }


def _finite(value: float) -> float | None:
    """JSON has no infinity."""
    return value if isfinite(value) else None


def _candidate_data(one: Candidate) -> dict[str, Any]:
    return {"worth": one.worth, "counts": dict(one.counts), "set": dict(one.values)}


def front_table(front: Front, exact: bool) -> Table[Point]:
    """A row a budget: what the best network costs, and what it is worth."""
    space = front.space

    def limit_of(index: int, measure: Measure) -> Any:
        return lambda point: Printed(
            format_measure(measure, point.limits[index], exact),
            Fraction(point.limits[index]),
            Fraction(1),
        )

    def worth(point: Point) -> Value:
        return format_worth(space, point.best.worth, exact) if point.best else None

    def count_of(measure: Measure) -> Any:
        def count(point: Point) -> Value:
            if point.best is None:
                return None
            number = point.best.counts[measure.name]
            return Printed(format_measure(measure, number, exact), Fraction(number), Fraction(1))

        return count

    return Table(
        title=f"{space.base.name}, {space.name}: {space.objective} by budget",
        columns=(
            *(
                Column(f"{m.name}_limit", f"{m.label} <=", limit_of(i, m), "count")
                for i, m in enumerate(front.axes)
            ),
            Column("worth", "objective", worth, "count"),
            *(Column(m.name, m.label, count_of(m), "count") for m in space.measures.values()),
            Column("proven", "proven", lambda point: "yes" if point.proven else "no"),
        ),
        items=front.points,
        notes=(f"Every row is the best of its budget; the others: {_others(front)}.",),
        data=lambda: _front_data(front),
    )


def _others(front: Front) -> str:
    named = {measure.name for measure in front.axes}
    kept = [str(b) for b in front.space.bounds if b.measure.name not in named]
    return (
        ", ".join([*kept, *([f"rho <= {front.space.rho:g}"] if front.space.rho else [])]) or "none"
    )


def _front_data(front: Front) -> dict[str, Any]:
    return {
        "space": front.space.name,
        "objective": str(front.space.objective),
        "axes": [measure.name for measure in front.axes],
        "points": [
            {
                "limits": list(point.limits),
                "proven": point.proven,
                "upper": _finite(point.upper),
                "best": _candidate_data(point.best) if point.best else None,
            }
            for point in front.points
        ],
        "marks": [{"name": m.name, **_candidate_data(m.network)} for m in front.marks],
    }


def infeasible_table(space: Space, found: Sequence[BoundDiagnosis]) -> Table[BoundDiagnosis]:
    """What each bound could be at best, alone and beside others."""

    def nearest(reach: BoundDiagnosis) -> Value:
        if reach.nearest is None:
            return "nothing"
        if reach.measure is None:
            return f"{reach.nearest:.2g}{' or less' if reach.kept else ''}"
        text = format_measure(reach.measure, int(reach.nearest))
        return Printed(text, Fraction(reach.nearest), Fraction(1))

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
        data=lambda: {
            "space": space.name,
            "networks": space.size,
            "budgets": [
                {
                    "bound": reach.bound,
                    "beside": reach.beside,
                    "reachable": reach.nearest,
                    "kept": reach.kept,
                }
                for reach in found
            ],
        },
    )
