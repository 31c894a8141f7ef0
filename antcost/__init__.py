"""antcost tells exactly what a neural network costs, and explains every unit of every number."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from antcost.version import __version__

if TYPE_CHECKING:
    from antcost.backends.onnx_model import onnx_model
    from antcost.backends.torch_module import torch_module
    from antcost.errors import AntcostError
    from antcost.sources.analyze import analyze
    from antcost.sources.specs.build import build_graph
    from antcost.sources.specs.load import load

__all__ = [
    "AntcostError", "__version__", "analyze", "build_graph", "load", "onnx_model", "torch_module",
]  # fmt: skip

_HOMES = {
    "analyze": "antcost.sources.analyze",
    "build_graph": "antcost.sources.specs.build",
    "load": "antcost.sources.specs.load",
    "AntcostError": "antcost.errors",
    "onnx_model": "antcost.backends.onnx_model",
    "torch_module": "antcost.backends.torch_module",
}


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used, so that a command loads only its own."""
    if name not in _HOMES:
        raise AttributeError(f"module 'antcost' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
