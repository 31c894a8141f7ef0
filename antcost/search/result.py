"""What a search finds, and how far it is proven."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, Literal

from antcost.cost.budget import Bound
from antcost.search.progress import Moment, rounding
from antcost.search.space import Space

Solver = Literal["labels", "milp"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A network of the space: what is set on the base, what it costs, and its objective.

    `worth` is the objective, which is made large: a cost that is minimised counts negatively.
    """

    values: Mapping[str, Any]
    counts: Mapping[str, int]
    worth: float


@dataclass(frozen=True, slots=True)
class TopK:
    """The best networks, the best first; `complete` unless there may be more of those asked for.

    `scores` are what a user's function returns for each, if it decides their order.
    """

    networks: tuple[Candidate, ...] = ()
    complete: bool = True
    scores: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What is known when a search ends, or at some time before.

    `upper` bounds the objective of any network within the budget. `size` is how many networks can
    be built and keep the rules, those beyond a bound on peak memory aside; `transitions` counts
    those through single stages, and `eliminated` the ones that no better network can take.
    `examined` counts the networks that were followed to the end. `prices` are what one more unit of
    each bound adds to the objective, `history` the bounds over time.
    """

    space: Space
    best: Candidate | None = None
    upper: float = inf
    solver: Solver = "labels"
    size: int = 0
    transitions: int = 0
    eliminated: float = 0.0
    examined: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    prices: Mapping[Bound, float] = field(default_factory=dict)
    history: tuple[Moment, ...] = ()
    top: TopK = TopK()

    @property
    def chosen(self) -> Candidate:
        """The network to take: the first by a user's function, or the best one."""
        assert self.best is not None
        return self.top.networks[0] if self.top.scores else self.best

    @property
    def lower(self) -> float:
        """The objective of the best network so far."""
        return self.best.worth if self.best else -inf

    @property
    def proven(self) -> bool:
        """Whether no network is better than the best one, beyond the rounding of floats."""
        return self.upper <= self.lower + rounding(self.lower, self.upper)

    @property
    def gap(self) -> float:
        """How far the bound is above the best one, relative to that; 0 if it is proven."""
        if self.proven:
            return 0.0
        return (self.upper - self.lower) / abs(self.lower) if self.lower else inf

    @property
    def share_eliminated(self) -> float:
        """The share of the transitions that no better network can take."""
        return self.eliminated / self.transitions if self.transitions else 0.0


OnProgress = Callable[[SearchResult], None]
