"""Why a published figure is not our count, in a few words."""

import json
from collections.abc import Sequence

from antcost.cost.analysis import analyze_graph
from antcost.cost.convention import CONVENTIONS
from antcost.cost.counts import Cost
from antcost.reconcile.reconciliation import Combination, CountedFigure, reconcile
from antcost.sources.network import Network
from antcost.sources.specs.build import build_graph
from antcost.sources.specs.model import Ambiguity, NetSpec, Published
from antcost.units import format_count, format_exact

PLAIN = CONVENTIONS["madds"]
FIGURES = ("params", "madds")
LABELS = {"params": "params", "madds": "MAdds"}


def reason_of(network: Network) -> str | None:
    """Say why what the first sources printed differs from our counts, or None if it does not."""
    if network.spec is None:
        return None
    sources = {field: network.source(field) for field in FIGURES}
    reasons = []
    for row in dict.fromkeys(filter(None, sources.values())):
        others = {field: None for field in FIGURES if sources[field] != row}
        reasons.append(why(network.spec, row.model_copy(update=others)))
    return "; ".join(filter(None, reasons)) or None


def why(spec: NetSpec, row: Published) -> str | None:
    """Say why figures of a published row are not our counts, or None where ours round to them.

    The row's note says it, or else what reconciles the row. Ours are those without auxiliary heads.
    """
    fields = unequal(row, analyze_graph(build_graph(spec)).whole.cost)
    if not fields or row.note:
        return row.note if fields else None
    (reconciliation,) = reconcile(spec, [row])
    if not reconciliation.derivable:
        ways = len(reconciliation.combinations)
        what = " and ".join(LABELS[field] for field in fields)
        end = "gives both figures" if row.params and row.madds else "fits"
        return f"{what}: not derivable, none of {ways} ways to read and count it {end}"
    best = reconciliation.best
    return "; ".join(_explained(figure, best) for figure in best.figures if figure.field in fields)


def unequal(row: Published, cost: Cost) -> Sequence[str]:
    """Return the figures, "params" and "madds", that our counts do not round to."""
    counts = {"params": PLAIN.count_params(cost), "madds": PLAIN.count(cost)}
    printed = {"params": row.params, "madds": row.madds}
    return [
        field for field, figure in printed.items() if figure and not figure.rounds(counts[field])
    ]


def changes(ambiguity: Ambiguity) -> str:
    """Return what an ambiguity sets, in short."""
    (path, value), *others = ambiguity.set.items()
    text = f"{path}={value if isinstance(value, str) else json.dumps(value)}"
    return f"{text} and {len(others)} more" if others else text


def _explained(figure: CountedFigure, combination: Combination) -> str:
    """Say what makes the figure: "MAdds: counted as SqueezeNext MACs (708M)"."""
    parts = [*_way(figure), *(f"read with {changes(taken)}" for taken in combination.taken)]
    if figure.fit == "truncated":
        parts.append(f"cut from {format_exact(figure.count)}, not rounded")
    else:
        parts[-1] += f" ({format_count(figure.count)})"
    return f"{LABELS[figure.field]}: {', '.join(parts)}"


def _way(figure: CountedFigure) -> list[str]:
    """Say how the figure is counted, if in another way than ours."""
    convention = figure.convention
    if convention is PLAIN:
        return []
    left_out = " and ".join(term.name for term in convention.param_terms if term.factor < 0)
    if figure.field == "params" and left_out:
        return [f"{left_out} left out"]
    return [f"counted as {convention.label}"]
