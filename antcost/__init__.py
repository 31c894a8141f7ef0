"""antcost tells exactly what a neural network costs, and explains every unit of every number."""

from antcost.api import analyze
from antcost.blocks.build import build_graph, load
from antcost.errors import AntcostError
from antcost.version import __version__

__all__ = ["AntcostError", "__version__", "analyze", "build_graph", "load"]
