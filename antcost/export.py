"""Networks as files for other programs."""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from io import BytesIO, StringIO
from typing import Literal

from antcost.errors import AntcostError
from antcost.graph.graph import Graph

Target = Literal["torch", "onnx"]
NEEDS = {"torch": ("torch",), "onnx": ("numpy", "onnx")}


def exported(graph: Graph, target: Target, seed: int = 0) -> bytes:
    """The network as bytes: a program for torch.export.load (.pt2), or an ONNX model.

    Weights are random from `seed`: those of `torch_module` or of `onnx_model`, whose batch norm is
    folded. Batches (n, c, h, w) may have any n.
    Raises AntcostError if a package is missing that `target` needs.
    """
    missing = [package for package in NEEDS[target] if find_spec(package) is None]
    if missing:
        raise AntcostError(f"{' and '.join(missing)} missing: pip install 'antcost[export]'")
    return _onnx(graph, seed) if target == "onnx" else _torch(graph, seed)


def _onnx(graph: Graph, seed: int) -> bytes:
    from antcost.onnxnet import onnx_model

    return bytes(onnx_model(graph, seed=seed).SerializeToString())


def _torch(graph: Graph, seed: int) -> bytes:
    import torch

    from antcost.torchnet import torch_module

    stream = BytesIO()
    with _quiet():
        program = torch.export.export(
            torch_module(graph, seed).eval(),
            (torch.zeros(2, *graph.input.dims),),
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )
        torch.export.save(program, stream)
    return stream.getvalue()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Neither what a package prints on its way nor what it warns of."""
    level = logging.root.manager.disable
    logging.disable(max(level, logging.WARNING))
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(StringIO()),
            contextlib.redirect_stderr(StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
