"""What scripts and notebooks call."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from antcost.cost.analysis import NetCost, analyze_graph
from antcost.graph.graph import Graph
from antcost.sources.specs.build import build_graph
from antcost.sources.specs.load import load
from antcost.sources.specs.model import NetSpec


def analyze(
    network: str | Path | Mapping[str, Any] | NetSpec | Graph,
    overrides: Sequence[str] = (),
    *,
    training: bool = False,
) -> NetCost:
    """Return the cost of a network: a shipped name, a file, a mapping, a loaded spec, or a graph.

    Counts are exact integers for one image. `overrides` ("ant4.channels=72") need a network that
    is still to be loaded; `training` counts the auxiliary heads of one that is still to be
    built, too. Raises SpecError with everything that is wrong in the spec.
    """
    if overrides and isinstance(network, Graph | NetSpec):
        raise TypeError("overrides need a network that is still to be loaded")
    if training and isinstance(network, Graph):
        raise TypeError("training needs a network that is still to be built")
    match network:
        case Graph():
            return analyze_graph(network)
        case NetSpec():
            return analyze_graph(build_graph(network, training=training))
        case _:
            return analyze_graph(build_graph(load(network, overrides), training=training))
