"""The tables of `antcost check`: tools beside our predictions, bridges, stages and layers."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from fractions import Fraction
from typing import Any, Literal, TypeVar

from antcost.check.bridge import BridgeStep, by_network, steps
from antcost.check.comparison import Check, CheckedRow
from antcost.check.tools import TOOLS
from antcost.tables.table import Column, Table
from antcost.units import format_exact

T = TypeVar("T")
BAR = 24
Level = Literal["stage", "layer"]


def checks_table(checks: Sequence[Check], by: Level | None = None) -> Table[Check]:
    """Return a row for each network and tool: its number, our prediction, what is left; also of
    parameters.

    JSON has everything: bridges, warnings, and the rows by stage or layer.
    """
    several = len(by_network(checks)) > 1
    return Table(
        title="What tools report, and what we predict of each"
        if several
        else _title(checks[0], "what tools report, and what we predict of each"),
        columns=(
            *([Column("network", "network", _network)] if several else []),
            Column("tool", "tool", lambda check: check.tool.name),
            Column("version", "version", _version, spare=1),
            *_count_columns(lambda check: check.whole),
            *(
                [Column("problem", "problem", lambda check: check.problem or None)]
                if any(check.problem for check in checks)
                else []
            ),
        ),
        items=checks,
        notes=(*_verdicts(checks), *_fault_notes(checks)),
        hints=_warning_hints(checks),
        rows_key="checks",
        more={
            "network": _network,
            "version": lambda check: check.version or None,
            "convention": lambda check: check.convention.name,
            "known_version": lambda check: check.known,
            "madds": lambda check: check.cost.madds,
            "params": lambda check: check.cost.params,
            "equations": lambda check: equations(check) if check.whole else None,
            "bridge": lambda check: check.bridge() if check.whole else None,
            "params_bridge": lambda check: check.params_bridge() if check.whole else None,
            "carriers": lambda check: dict(check.carriers),
            "params_carriers": lambda check: dict(check.params_carriers),
            "faults": lambda check: check.faults(),
            "warnings": lambda check: check.warnings,
            **({f"by_{by}": lambda check: list(map(_record, _rows(check, by)))} if by else {}),
        },
    )


def bar(step: BridgeStep) -> str:
    """Draw where the term lies between the lowest and the highest of the tool's sums."""
    if step.start == step.end:
        return ""
    left, right = (
        round(Fraction(BAR * (side - step.low), step.high - step.low))
        for side in sorted((step.start, step.end))
    )
    return "·" * left + ("█" * (right - left) or "▏")


def bridge_table(checks: Sequence[Check]) -> Table[BridgeStep]:
    """Return a waterfall for each tool: from our multiply-adds to its number, term by term."""
    counted = [check for check in checks if check.whole]
    return Table(
        title=_title(checks[0], "from our multiply-adds to each tool's number"),
        columns=(
            Column("tool", "tool", lambda step: step.tool or None),
            Column("term", "term", lambda step: step.term),
            Column("count", "count", lambda step: step.count, "count"),
            Column("share", "of MAdds", lambda step: step.share, "change"),
            Column("bar", "what is added", bar, "bar", spare=1),
        ),
        items=[step for check in counted for step in steps(check)],
        notes=[line for check in counted for line in equations(check)],
        facts={
            "network": _network(checks[0]),
            "bridges": {check.tool.name: check.bridge() for check in counted},
        },
        rows_key=None,
    )


def equation(number: int, bridge: Sequence[tuple[str, int]]) -> str:
    """Write "314,193,216 = 300,774,272 multiply-adds + 13,356,224 batch norm + ..."."""
    terms = " ".join(
        f"{'+' if count >= 0 else '-'} {format_exact(abs(count))} {name}" for name, count in bridge
    )
    return f"{format_exact(number)} = {terms.removeprefix('+ ')}"


def equations(check: Check) -> list[str]:
    """Write the tool's number as a sum, and its parameters where they are not simply ours."""
    assert check.whole
    lines = [f"{check.tool.name}: {equation(check.whole.reported, check.bridge())}"]
    params = check.whole.params_reported
    if params is not None and len(check.params_bridge()) > 1:
        lines.append(f"{check.tool.name}, params: {equation(params, check.params_bridge())}")
    return lines


CheckedLayer = tuple[Check, CheckedRow]
"""A stage or layer as one tool reports it."""


def _count_columns(line_of: Callable[[T], CheckedRow | None]) -> tuple[Column[T], ...]:
    """Return what the tool counts and what we predict, empty where the tool did not count."""

    def of(field: str) -> Callable[[T], int | None]:
        return lambda item: getattr(line_of(item), field, None)

    return (
        Column("reported", "reports", of("reported"), "count"),
        Column("predicted", "predicted", of("predicted"), "count", spare=2),
        Column("residual", "residual", of("residual"), "count"),
        Column("params_reported", "params", of("params_reported"), "count", spare=5),
        Column("params_residual", "params residual", of("params_residual"), "count", spare=4),
    )


def places_table(checks: Sequence[Check], by: Level) -> Table[CheckedLayer]:
    """Return a row for each tool and stage or layer, those with a residual first.

    Then tool by tool, first what it counts otherwise than we do.
    """
    places = [(check, line) for check in checks for line in _rows(check, by)]
    tools = list(TOOLS)
    silent = dict.fromkeys(x.tool.name for x in checks if x.whole and not x.layers)
    several = len(by_network(checks)) > 1
    return Table(
        title=_title(checks[0], f"by {by}, rows that differ first"),
        columns=(
            *([Column("network", "network", lambda x: _network(x[0]))] if several else []),
            Column("tool", "tool", lambda x: x[0].tool.name),
            Column("name", by, lambda x: x[1].name),
            Column("operator", "operator", lambda x: x[1].operator, spare=5),
            Column("madds", "our MAdds", lambda x: x[1].madds, "count", spare=3),
            *_count_columns(lambda x: x[1]),
        ),
        items=sorted(places, key=lambda place: _differing_first(place, tools)),
        notes=[f"The whole only: {', '.join(silent)}."] if silent else [],
    )


def _title(check: Check, what: str) -> str:
    graph = check.cost.graph
    return f"{graph.name}, {graph.input} to {graph.output}: {what}"


def _network(check: Check) -> str:
    return check.cost.graph.name


def _version(check: Check) -> str:
    return check.version if check.known or not check.version else f"{check.version} (unknown)"


def _differing_first(place: CheckedLayer, tools: Sequence[str]) -> tuple[bool, int, bool]:
    check, line = place
    return line.agrees, tools.index(check.tool.name), line.reported == line.madds


def _verdicts(checks: Sequence[Check]) -> list[str]:
    """Return one line on all, and one on each that disagrees or whose version is unknown."""
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
    parts = [
        *_carried("residual", check.whole.residual, check.carriers),
        *_carried("params residual", check.whole.params_residual or 0, check.params_carriers),
    ]
    return f"{_network(check)}, {check.tool.name}: {'; '.join(parts)}."


def _carried(what: str, residual: int, carriers: Sequence[tuple[str, int]]) -> list[str]:
    """Write a residual and its layers; also one of 0, if those of the layers cancel out."""
    if not residual and not carriers:
        return []
    layers = ", ".join(f"{name} ({count:+,})" for name, count in carriers)
    return [f"{what} {residual:+,}, in {layers or 'layers that were not found'}"]


def _fault_notes(checks: Sequence[Check]) -> list[str]:
    faults = (f"{check.tool.name} {text}." for check in checks for text in check.faults())
    return list(dict.fromkeys(faults))


def _warning_hints(checks: Sequence[Check]) -> list[str]:
    warned = dict.fromkeys(check.tool.name for check in checks if check.warnings)
    if not warned:
        return []
    return [f"Tools that warned: {', '.join(warned)} (--format json has the texts)."]


def _rows(check: Check, by: Level) -> Sequence[CheckedRow]:
    return check.stages() if by == "stage" else check.layers


def _record(line: CheckedRow) -> dict[str, Any]:
    residuals = {"residual": line.residual, "params_residual": line.params_residual}
    return {**asdict(line), **residuals}
