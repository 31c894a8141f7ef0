"""int8 by onnxruntime's own tool: weights and activations of real networks, made of random ones."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from antcost.graph.graph import Graph
from antcost.measure.engines import Settings
from antcost.measure.images import random_images

if TYPE_CHECKING:
    from onnx import ModelProto

BATCHES = 2
"""How many the ranges of activations are taken from."""


def quantized(model: "ModelProto", graph: Graph, settings: Settings) -> "ModelProto":
    """Return the model with int8 weights, a scale for each channel out, and uint8 activations.

    Post-training static quantisation, with pairs of QuantizeLinear and DequantizeLinear that the
    runtime merges into integer kernels. `model` is used up.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType
    from onnxruntime.quantization import quantize_static as quantize

    from antcost.backends.onnx_model import IMAGE

    class Reader(CalibrationDataReader):  # type: ignore[misc] # onnxruntime has no types
        seeds = iter(range(1, BATCHES + 1))

        def get_next(self) -> object:
            seed = next(self.seeds, None)
            return None if seed is None else {IMAGE: random_images(graph, settings, seed)}

    with TemporaryDirectory() as folder, _quiet():
        path = Path(folder) / "quantized.onnx"
        quantize(
            model, path, Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
        return onnx.load(path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the advice to optimise the model beforehand, which changes nothing for ours."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
