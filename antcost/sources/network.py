"""The one thing that is passed around: a network, wherever it came from."""

from collections.abc import Sequence
from dataclasses import dataclass

from antcost.cost.analysis import NetCost, analyze_graph
from antcost.graph.graph import Graph
from antcost.sources.specs.build import build_graph
from antcost.sources.specs.load import load
from antcost.sources.specs.model import NetSpec, Published


@dataclass(frozen=True, slots=True)
class Network:
    """A network: how the user named it, what it costs, and what was printed of it.

    `classes` is None where nobody said; `spec` is the one that it came from, if it came from one.
    """

    reference: str
    cost: NetCost
    classes: int | None = None
    published: tuple[Published, ...] = ()
    spec: NetSpec | None = None

    @property
    def graph(self) -> Graph:
        return self.cost.graph

    @property
    def title(self) -> str:
        """The name, with what was set on top of a spec."""
        return self.graph.name

    @property
    def name(self) -> str:
        """The name alone."""
        return self.spec.name if self.spec else self.title

    @property
    def has_auxiliary_heads(self) -> bool:
        """Return whether training has layers that inference leaves out."""
        return bool(self.spec and self.spec.auxiliary)

    def source(self, field: str) -> Published | None:
        """Return the first source that printed this figure."""
        return next((row for row in self.published if getattr(row, field) is not None), None)


def network_of(spec: NetSpec, reference: str, *, training: bool = False) -> Network:
    """Build the network of a spec. Raises SpecError if shapes do not fit together."""
    cost = analyze_graph(build_graph(spec, training=training))
    return Network(reference, cost, spec.classes, spec.published, spec)


def load_network(
    reference: str, overrides: Sequence[str] = (), *, training: bool = False
) -> Network:
    """Load and build a network. Raises SpecError with everything that is wrong."""
    return network_of(load(reference, overrides), reference, training=training)
