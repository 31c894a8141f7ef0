"""Which reading of a source and which way of counting give the figures that it printed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Literal

from antcost.cost.analysis import analyze_graph
from antcost.cost.convention import CONVENTIONS, Convention, Term
from antcost.cost.counts import Cost
from antcost.sources.specs.build import build_graph
from antcost.sources.specs.interpretations import interpretations
from antcost.sources.specs.model import Ambiguity, NetSpec, Published
from antcost.units import Printed

Fit = Literal["rounded", "truncated", "off"]
FITS: tuple[Fit, ...] = ("rounded", "truncated", "off")


@dataclass(frozen=True, slots=True)
class CountedFigure:
    """A printed figure, and our count of the same by one convention."""

    field: Literal["params", "madds"]
    printed: Printed
    convention: Convention
    count: int

    @property
    def fit(self) -> Fit:
        """Return how the printed figure comes from the count."""
        if self.printed.rounds(self.count):
            return "rounded"
        return "truncated" if self.printed.truncates(self.count) else "off"


@dataclass(frozen=True, slots=True)
class Combination:
    """One reading of the source and one way of counting, for the figures of one row.

    `taken` are the ambiguities that are decided in the other way than the spec does.
    """

    taken: tuple[Ambiguity, ...]
    figures: tuple[CountedFigure, ...]

    @property
    def fit(self) -> Fit:
        """The worst fit of its figures."""
        return max((figure.fit for figure in self.figures), key=FITS.index)

    @property
    def miss(self) -> Fraction:
        """Sum of how far each figure is outside of its rounding, relative."""
        return sum((abs(f.printed.miss(f.count)) for f in self.figures), Fraction(0))

    @property
    def deviations(self) -> tuple[int, int]:
        """Return how many ambiguities and unusual conventions it takes, and how many of them are
        tools'.

        A paper's own way of counting says more about its figures than that of a tool.
        """
        unusual = {figure.convention.name for figure in self.figures} - {"madds"}
        tools = sum(bool(CONVENTIONS[name].tool) for name in unusual)
        return len(self.taken) + len(unusual), tools


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A published row, and all combinations with different figures, the best explanation first."""

    published: Published
    combinations: tuple[Combination, ...]

    @property
    def best(self) -> Combination:
        return self.combinations[0]

    @property
    def derivable(self) -> bool:
        """Return whether some combination gives all figures as they were printed."""
        return self.best.fit != "off"

    @property
    def fits(self) -> int:
        """Return how many combinations explain the row as well as the best; 0 if none does."""
        return sum(c.fit == self.best.fit for c in self.combinations) if self.derivable else 0


def reconcile(spec: NetSpec, published: Sequence[Published]) -> tuple[Reconciliation, ...]:
    """Try every reading and every way of counting on the rows that have parameters or MAdds.

    Parameters and MAdds of a row come from one reading; the two may be counted by different
    conventions. Raises SpecError for an ambiguity that does not fit the network.
    """
    costs = [
        (taken, analyze_graph(build_graph(reading)).whole.cost)
        for taken, reading in interpretations(spec)
    ]
    return tuple(
        Reconciliation(row, _ranked(row, costs)) for row in published if row.params or row.madds
    )


def _ranked(
    row: Published, costs: Sequence[tuple[tuple[Ambiguity, ...], Cost]]
) -> tuple[Combination, ...]:
    """Return combinations for one row, the best first; the simplest of those with equal figures."""
    every = (combination for taken, cost in costs for combination in _combined(row, taken, cost))
    distinct: dict[tuple[int, ...], Combination] = {}
    for combination in sorted(every, key=lambda combination: combination.deviations):
        counts = tuple(figure.count for figure in combination.figures)
        distinct.setdefault(counts, combination)
    return tuple(sorted(distinct.values(), key=_rank))


def _rank(combination: Combination) -> tuple[object, ...]:
    """Sort rounded before truncated, and the simplest first.

    Where nothing fits the nearest comes first, to a tenth of a percent: less is no reason to
    believe in an unusual convention.
    """
    fit, deviations, miss = combination.fit, combination.deviations, combination.miss
    if fit == "off":
        return FITS.index(fit), round(1000 * miss), deviations, miss
    return FITS.index(fit), deviations, miss


def _combined(row: Published, taken: tuple[Ambiguity, ...], cost: Cost) -> Iterator[Combination]:
    """Yield all ways of counting one reading."""
    choices: list[list[CountedFigure]] = []
    if row.params:
        choices.append(
            [CountedFigure("params", row.params, c, c.count_params(cost)) for c in PARAM_WAYS]
        )
    if row.madds:
        choices.append([CountedFigure("madds", row.madds, c, c.count(cost)) for c in MADDS_WAYS])
    return (Combination(taken, figures) for figures in product(*choices))


def _ways(terms: Callable[[Convention], tuple[Term, ...]]) -> tuple[Convention, ...]:
    """Return the first convention with each of these sums of terms."""
    first: dict[tuple[Term, ...], Convention] = {}
    for convention in CONVENTIONS.values():
        first.setdefault(terms(convention), convention)
    return tuple(first.values())


PARAM_WAYS = _ways(lambda convention: convention.param_terms)
MADDS_WAYS = _ways(lambda convention: convention.terms)
