"""The tables of `antcost check`: tools beside our predictions, bridges, stages and layers."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import groupby
from typing import Any, Literal

from antcost.check.comparison import Check, Line
from antcost.report.table import Column, Table
from antcost.units import format_exact

BAR = 24
Level = Literal["stage", "layer"]


def checks_table(checks: Sequence[Check], by: Level | None = None) -> Table[Check]:
    """A row a network and tool: its number, our prediction, and what is left; the same for
    parameters.

    JSON has everything: bridges, warnings, and the rows by stage or layer.
    """
    networks = list(dict.fromkeys(check.cost.graph.name for check in checks))
    several = len(networks) > 1
    return Table(
        title="What tools report, and what we predict of each"
        if several
        else _title(checks[0], "what tools report, and what we predict of each"),
        columns=(
            *([Column("network", "network", _network)] if several else []),
            Column("tool", "tool", lambda check: check.tool.name),
            Column("version", "version", _version, spare=1),
            Column("reported", "reports", _of(lambda line: line.reported), "count"),
            Column("predicted", "predicted", _of(lambda line: line.predicted), "count", spare=2),
            Column("residual", "residual", _of(lambda line: line.residual), "count"),
            Column("params", "params", _of(lambda line: line.params_reported), "count", spare=3),
            Column("params_residual", "residual", _of(lambda line: line.params_residual), "count"),
            *(
                [Column("problem", "", lambda check: check.problem or None)]
                if any(check.problem for check in checks)
                else []
            ),
        ),
        items=checks,
        notes=(*_verdicts(checks), *_fault_notes(checks)),
        hints=_warning_hints(checks),
        data=lambda: {"checks": [_data(check, by) for check in checks]},
    )


@dataclass(frozen=True, slots=True)
class Step:
    """One term on the way from our multiply-adds to a tool's number."""

    tool: str
    term: str
    count: int
    base: int
    start: int
    span: int

    @property
    def end(self) -> int:
        """What is added to our multiply-adds up to and with this term."""
        return self.start + self.count if self.span else 0

    @property
    def share(self) -> Fraction | None:
        """The term in shares of our multiply-adds."""
        return Fraction(self.count, self.base) if self.base else None

    @property
    def bar(self) -> str:
        """Where the term lies between our multiply-adds and the tool's number."""
        if not self.span:
            return ""
        ends = sorted((self.start, self.end))
        left, right = (round(BAR * end / self.span) for end in ends)
        return "·" * left + "█" * (right - left) if left < right else "·" * left + "▏"


def bridge_table(checks: Sequence[Check]) -> Table[Step]:
    """A waterfall a tool: what leads from our multiply-adds to its number, term by term."""
    counted = [check for check in checks if check.whole]
    return Table(
        title=_title(checks[0], "from our multiply-adds to each tool's number"),
        columns=(
            Column("tool", "tool", lambda step: step.tool or None),
            Column("term", "term", lambda step: step.term),
            Column("count", "count", lambda step: step.count, "count"),
            Column("share", "of MAdds", lambda step: step.share, "change"),
            Column("bar", "what is added", lambda step: step.bar, "bar", spare=1),
        ),
        items=[step for check in counted for step in steps(check)],
        notes=[f"{check.tool.name}: {equation(check)}" for check in counted],
    )


def steps(check: Check) -> list[Step]:
    """The terms of a tool's bridge; bars span what is added to our multiply-adds."""
    (_, base), *others = check.bridge()
    reach = [sum(count for _, count in others[:end]) for end in range(len(others) + 1)]
    span = max(map(abs, reach))
    return [
        Step(check.tool.name, "multiply-adds", base, 0, 0, 0),
        *(
            Step("", f"+ {name}", count, base, start, span)
            for (name, count), start in zip(others, reach, strict=False)
        ),
    ]


def equation(check: Check) -> str:
    """314,193,216 = 300,774,272 multiply-adds + 13,356,224 batch norm (2 per element) + ..."""
    assert check.whole
    terms = " ".join(
        f"{'+' if count >= 0 else '-'} {format_exact(abs(count))} {name}"
        for name, count in check.bridge()
    )
    return f"{format_exact(check.whole.reported)} = {terms.removeprefix('+ ')}"


@dataclass(frozen=True, slots=True)
class Place:
    """A stage or layer as one tool reports it."""

    tool: str
    line: Line


def places_table(checks: Sequence[Check], by: Level) -> Table[Place]:
    """A row a tool and stage or layer: all with a residual first.

    Then tool by tool, first what it counts otherwise than we do.
    """
    places = [
        Place(check.tool.name, line)
        for check in checks
        for line in (check.stages() if by == "stage" else check.layers)
    ]
    tools = [check.tool.name for check in checks]
    silent = [check.tool.name for check in checks if check.whole and not check.layers]
    return Table(
        title=_title(checks[0], f"by {by}, rows that differ first"),
        columns=(
            Column("tool", "tool", lambda place: place.tool),
            Column("name", by, lambda place: place.line.name),
            Column("operator", "operator", lambda place: place.line.operator, spare=5),
            Column("madds", "our MAdds", lambda place: place.line.madds, "count", spare=3),
            Column("reported", "reports", lambda place: place.line.reported, "count"),
            Column("predicted", "predicted", lambda place: place.line.predicted, "count", spare=2),
            Column("residual", "residual", lambda place: place.line.residual, "count"),
            Column("params", "params", lambda x: x.line.params_reported, "count", spare=4),
            Column("params_residual", "residual", lambda x: x.line.params_residual, "count"),
        ),
        items=sorted(places, key=lambda place: _differing_first(place, tools)),
        notes=[f"The whole only: {', '.join(silent)}."] if silent else [],
    )


def by_network(checks: Sequence[Check]) -> list[list[Check]]:
    """The checks of each network, in their order."""
    return [list(group) for _, group in groupby(checks, key=lambda check: id(check.cost))]


def _title(check: Check, what: str) -> str:
    graph = check.cost.graph
    return f"{graph.name}, {graph.input} to {graph.output}: {what}"


def _network(check: Check) -> str:
    return check.cost.graph.name


def _version(check: Check) -> str:
    return check.version if check.known or not check.version else f"{check.version} (unknown)"


def _of(value: Callable[[Line], int | None]) -> Callable[[Check], int | None]:
    """A value of the whole network, none if the tool did not count."""
    return lambda check: value(check.whole) if check.whole else None


def _differing_first(place: Place, tools: Sequence[str]) -> tuple[bool, int, bool]:
    line = place.line
    return line.agrees, tools.index(place.tool), line.reported == line.madds


def _verdicts(checks: Sequence[Check]) -> list[str]:
    """One line on all, and one on each that disagrees or whose version is unknown."""
    counted = [check for check in checks if check.whole]
    wrong = [check for check in counted if not check.agrees]
    unknown = dict.fromkeys(
        f"{check.tool.name} {check.version} is not known; it was checked against the rules of "
        f"{check.convention.name}."
        for check in counted
        if not check.known
    )
    agreeing = len(counted) - len(wrong)
    return [
        f"{agreeing} of {len(counted)} numbers are explained to the last operation.",
        *map(_blame, wrong),
        *unknown,
    ]


def _blame(check: Check) -> str:
    assert check.whole
    parts = []
    if check.whole.residual:
        layers = ", ".join(f"{name} ({count:+,})" for name, count in check.carriers)
        parts.append(f"residual {check.whole.residual:+,}, in {layers or 'no layer alone'}")
    if check.whole.params_residual:
        parts.append(f"params residual {check.whole.params_residual:+,}")
    wrong_inside = [line.name for line in check.layers if not line.agrees]
    if not parts:
        parts.append(f"layers differ though the whole agrees: {', '.join(wrong_inside)}")
    return f"{_network(check)}, {check.tool.name}: {'; '.join(parts)}."


def _fault_notes(checks: Sequence[Check]) -> list[str]:
    faults = (f"{check.tool.name} {text}." for check in checks for text in check.faults())
    return list(dict.fromkeys(faults))


def _warning_hints(checks: Sequence[Check]) -> list[str]:
    warned = dict.fromkeys(check.tool.name for check in checks if check.warnings)
    if not warned:
        return []
    return [f"Tools that warned: {', '.join(warned)} (--format json has the texts)."]


def _data(check: Check, by: Level | None) -> dict[str, Any]:
    rows = [] if by is None else check.stages() if by == "stage" else check.layers
    return {
        "network": _network(check),
        "tool": check.tool.name,
        "version": check.version or None,
        "convention": check.convention.name,
        "known_version": check.known,
        "problem": check.problem or None,
        "madds": check.cost.madds,
        "params": check.cost.params,
        **({"total": _line_data(check.whole)} if check.whole else {}),
        **({"equation": equation(check), "bridge": check.bridge()} if check.whole else {}),
        "carriers": dict(check.carriers),
        "faults": check.faults(),
        "warnings": check.warnings,
        **({f"by_{by}": [_line_data(line) for line in rows]} if by else {}),
    }


def _line_data(line: Line) -> dict[str, Any]:
    residuals = {"residual": line.residual, "params_residual": line.params_residual}
    return {**asdict(line), **residuals}
