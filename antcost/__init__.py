"""antcost tells exactly what a neural network costs, and explains every unit of every number."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from antcost.version import __version__

if TYPE_CHECKING:
    from antcost.api import analyze
    from antcost.blocks.build import build_graph, load
    from antcost.errors import AntcostError
    from antcost.onnxnet import onnx_model
    from antcost.torchnet import torch_module

__all__ = [
    "AntcostError", "__version__", "analyze", "build_graph", "load", "onnx_model", "torch_module",
]  # fmt: skip

_HOMES = {
    "analyze": "antcost.api",
    "build_graph": "antcost.blocks.build",
    "load": "antcost.blocks.build",
    "AntcostError": "antcost.errors",
    "onnx_model": "antcost.onnxnet",
    "torch_module": "antcost.torchnet",
}


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used, so that a command loads only its own."""
    if name not in _HOMES:
        raise AttributeError(f"module 'antcost' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
