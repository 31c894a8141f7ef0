"""A tool's number beside our prediction of it, and what lies between it and our multiply-adds."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from antcost.check.isolation import Answer, Job, answers
from antcost.check.tools import TOOLS, Counts, Tool
from antcost.cost.analysis import NetCost, analyze_graph
from antcost.cost.convention import CONVENTIONS, Convention, Term
from antcost.graph.graph import Graph

ELSEWHERE = "(outside of the layers)"


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """What a tool reports of a network, a stage or a layer, beside what we predict.

    Parameters are None where the tool does not report them.
    """

    name: str
    operator: str
    madds: int
    reported: int
    predicted: int
    params_reported: int | None
    params_predicted: int

    @property
    def residual(self) -> int:
        """Return what the prediction leaves unexplained."""
        return self.reported - self.predicted

    @property
    def params_residual(self) -> int | None:
        """The same for parameters."""
        return (
            None if self.params_reported is None else self.params_reported - self.params_predicted
        )

    @property
    def agrees(self) -> bool:
        """Return whether nothing is left unexplained."""
        return not self.residual and not self.params_residual


@dataclass(frozen=True, slots=True)
class Check:
    """One tool on one network. Without `whole` it did not count, and `problem` says why.

    `layers` are empty where the tool reports the whole only. `known` says whether the convention
    was made for this version of the tool. `carriers` are the layers that carry a residual, with
    their parts of it, as far as they are found; `params_carriers` those of parameters.
    """

    cost: NetCost
    tool: Tool
    version: str
    convention: Convention
    known: bool
    problem: str = ""
    warnings: tuple[str, ...] = ()
    whole: CheckedRow | None = None
    layers: tuple[CheckedRow, ...] = ()
    carriers: tuple[tuple[str, int], ...] = ()
    params_carriers: tuple[tuple[str, int], ...] = ()

    @property
    def agrees(self) -> bool:
        """Return whether all numbers of the tool are explained to zero; also if it did not
        count.
        """
        lines = (self.whole, *self.layers) if self.whole else ()
        return all(line.agrees for line in lines)

    def bridge(self) -> list[tuple[str, int]]:
        """Return the terms that lead from our multiply-adds to the tool's number, without empty
        ones.
        """
        return self._bridge(self.convention.terms, self.whole.residual if self.whole else 0)

    def params_bridge(self) -> list[tuple[str, int]]:
        """Return the same for parameters."""
        residual = self.whole.params_residual if self.whole else 0
        return self._bridge(self.convention.param_terms, residual or 0)

    def _bridge(self, terms: Sequence[Term], residual: int) -> list[tuple[str, int]]:
        (start, first), *others = ((term.name, term.count(self.cost.whole.cost)) for term in terms)
        steps = [(name, count) for name, count in others if count]
        return [(start, first), *steps, *([("not explained", residual)] if residual else [])]

    def faults(self) -> list[str]:
        """Return what the tool gets wrong on this network, as far as it is known."""
        whole = self.cost.whole.cost
        terms = (*self.convention.terms, *self.convention.param_terms)
        return [term.fault for term in terms if term.fault and term.count(whole)]

    def stages(self) -> list[CheckedRow]:
        """Return the layers, summed up by stage."""
        stage_of = {node.name: node.origin.stage for node in self.cost.graph.nodes}
        rows: dict[str, list[CheckedRow]] = {}
        for line in self.layers:
            rows.setdefault(stage_of.get(line.name, line.name), []).append(line)
        operators = {row.name: row.operator for row in self.cost.by("stage")}
        return [_summed(name, operators.get(name, ""), lines) for name, lines in rows.items()]


def check(costs: Sequence[NetCost], tools: Iterable[str] = TOOLS) -> Iterator[Check]:
    """Ask every tool about every network, each in a process of its own; checks as they are ready.

    Tools run on the network's torch module in eval mode, with one image.
    """
    names = list(tools)
    by_graph = {id(cost.graph): cost for cost in costs}
    for job, answer in answers([Job(tool, cost.graph) for cost in costs for tool in names]):
        yield compare(by_graph[id(job.graph)], TOOLS[job.tool], answer)


def convention_of(tool: str, version: str) -> tuple[Convention, bool]:
    """Return the convention of a tool's version, and whether it was made for that version.

    It is the newest one where no version fits.
    """
    from packaging.specifiers import SpecifierSet

    of_tool = [convention for convention in CONVENTIONS.values() if convention.tool == tool]
    for convention in of_tool:
        if version in SpecifierSet(convention.versions, prereleases=True):
            return convention, True
    return of_tool[0], False


def compare(cost: NetCost, tool: Tool, answer: Answer) -> Check:
    """Return what the tool says of the network beside what its convention predicts."""
    version = answer.version.partition("+")[0]
    convention, known = convention_of(tool.name, version)
    report = answer.report
    if report is None:
        return Check(cost, tool, version, convention, known, answer.problem, answer.warnings)
    whole = CheckedRow(
        "total",
        "",
        cost.madds,
        report.total,
        convention.count(cost.whole.cost),
        report.params,
        convention.count_params(cost.whole.cost),
    )
    layers = _layer_lines(cost, convention, report.total, report.layers, report.layer_params)
    return Check(
        cost,
        tool,
        version,
        convention,
        known,
        warnings=answer.warnings,
        whole=whole,
        layers=layers,
        carriers=_carriers(cost.graph, tool.name, convention, whole, layers),
        params_carriers=tuple((x.name, x.params_residual) for x in layers if x.params_residual),
    )


def _layer_lines(
    cost: NetCost, convention: Convention, total: int, counts: Counts | None, params: Counts | None
) -> tuple[CheckedRow, ...]:
    """Return a line a layer, and one for what the tool reports outside of them if there is any."""
    if counts is None:
        return ()
    inside = [term for term in convention.terms if not term.outside]
    lines = [
        CheckedRow(
            row.name,
            row.operator,
            row.madds,
            _inside(counts, row.name),
            sum(term.count(row.cost) for term in inside),
            None if params is None else _inside(params, row.name),
            convention.count_params(row.cost),
        )
        for row in cost.layers
    ]
    reported = total - sum(line.reported for line in lines)
    predicted = convention.count(cost.whole.cost) - sum(line.predicted for line in lines)
    rest = (
        [CheckedRow(ELSEWHERE, "", 0, reported, predicted, None, 0)]
        if reported or predicted
        else []
    )
    return (*lines, *rest)


def _inside(counts: Counts, name: str) -> int:
    """Return the count of a layer's module, or of the modules inside it where it is not
    reported.
    """
    if name in counts:
        return counts[name]
    return sum(count for key, count in counts.items() if key.startswith(f"{name}."))


def _summed(name: str, operator: str, lines: Sequence[CheckedRow]) -> CheckedRow:
    params = [line.params_reported for line in lines if line.params_reported is not None]
    return CheckedRow(
        name,
        operator,
        sum(line.madds for line in lines),
        sum(line.reported for line in lines),
        sum(line.predicted for line in lines),
        sum(params) if params else None,
        sum(line.params_predicted for line in lines),
    )


def _carriers(
    graph: Graph, tool: str, convention: Convention, whole: CheckedRow, layers: Sequence[CheckedRow]
) -> tuple[tuple[str, int], ...]:
    """Return the layers that carry a residual, each with its part of it.

    Where a tool reports the whole only, it is asked about the network's first layers, which are
    halved until the layer is found. None are found if it fails on some of them.
    """
    if layers:
        return tuple((line.name, line.residual) for line in layers if line.residual)
    known = {0: 0, len(graph.nodes): whole.residual}

    def residual(length: int) -> int:
        if length not in known:
            nodes = graph.nodes[:length]
            first = Graph(graph.name, graph.input, nodes, nodes[-1].name)
            ((_, answer),) = answers([Job(tool, first)])
            if answer.report is None:
                raise LookupError(answer.problem)
            predicted = convention.count(analyze_graph(first).whole.cost)
            known[length] = answer.report.total - predicted
        return known[length]

    def steps(low: int, high: int) -> Iterator[tuple[str, int]]:
        change = residual(high) - residual(low)
        if change and high - low == 1:
            yield graph.nodes[low].name, change
        elif change:
            middle = (low + high) // 2
            yield from steps(low, middle)
            yield from steps(middle, high)

    try:
        return tuple(steps(0, len(graph.nodes)))
    except LookupError:
        return ()
