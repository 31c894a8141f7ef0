"""Networks as files for other programs."""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from io import BytesIO, StringIO
from typing import Any, Literal

from antcost.backends.sizes import DTYPES, file_bytes
from antcost.cost.memory import Dtype
from antcost.errors import AntcostError
from antcost.graph.graph import Graph
from antcost.units import format_bytes

Target = Literal["torch", "onnx"]
NEEDS = {
    "torch": ("torch",),
    "onnx": ("numpy", "onnx"),
    "coreml": ("coremltools", "torch"),
}
ONNX_LIMIT = 2**31
"""What protobuf takes, in bytes."""


def missing_packages(target: Literal["torch", "onnx", "coreml"]) -> str:
    """Return what to install for this target: one line, empty if all of it is there."""
    missing = [package for package in NEEDS[target] if find_spec(package) is None]
    extra = "coreml" if target == "coreml" else "export"
    return f"{' and '.join(missing)} missing: pip install 'antcost[{extra}]'" if missing else ""


def exported(graph: Graph, target: Target, seed: int = 0) -> bytes:
    """Return the network as bytes: a program for torch.export.load (.pt2), or an ONNX model.

    Weights are random from `seed`: those of `torch_module` or of `onnx_model`, whose batch norm is
    folded. Batches (n, c, h, w) may have any n.
    Raises AntcostError if a package is missing that `target` needs.
    """
    if missing := missing_packages(target):
        raise AntcostError(missing)
    return onnx_file(graph, seed=seed) if target == "onnx" else _torch(graph, seed)


def onnx_file(graph: Graph, dtype: Dtype = "fp32", seed: int = 0) -> bytes:
    """Return an ONNX model, with weights from `seed`. Raises AntcostError for what no file can
    hold.
    """
    from antcost.backends.onnx_model import onnx_model

    size = file_bytes(graph, "onnx", dtype)
    if size is not None and size >= ONNX_LIMIT:
        raise AntcostError(f"{format_bytes(size)} do not fit into an ONNX file: 2 GiB is its limit")
    return bytes(onnx_model(graph, seed=seed, dtype=dtype).SerializeToString())


def core_ml_neural_networks(graph: Graph, seed: int = 0) -> dict[Dtype, bytes]:
    """Return the network as three .mlmodel files, made by coremltools from the torch module."""
    with _converting():
        traced = _traced(graph, seed)
        import coremltools as ct
        from coremltools.models.neural_network.quantization_utils import quantize_weights

        _know_channel_shuffle()
        model = ct.convert(traced, inputs=_image_types(graph), convert_to="neuralnetwork")
        smaller = (quantize_weights(model, nbits=bits) for bits in (16, 8))
        specifications = map(_specification, (model, *smaller))
        return {
            dtype: specification.SerializeToString()
            for dtype, specification in zip(DTYPES, specifications, strict=True)
        }


def core_ml_programs(graph: Graph, seed: int = 0) -> dict[Dtype, Any]:
    """Return the network as three models whose `save(path)` writes an .mlpackage."""
    with _converting():
        traced = _traced(graph, seed)
        import coremltools as ct
        from coremltools.optimize import coreml

        _know_channel_shuffle()

        def convert(precision: Any) -> Any:
            return ct.convert(
                traced,
                inputs=_image_types(graph),
                convert_to="mlprogram",
                compute_precision=precision,
                minimum_deployment_target=ct.target.iOS16,
            )

        half = convert(ct.precision.FLOAT16)
        symmetric = coreml.OpLinearQuantizerConfig(mode="linear_symmetric")
        integers = coreml.linear_quantize_weights(
            half, config=coreml.OptimizationConfig(global_config=symmetric)
        )
        return {"fp32": convert(ct.precision.FLOAT32), "fp16": half, "int8": integers}


@contextlib.contextmanager
def _converting() -> Iterator[None]:
    """Silence coremltools; whatever it raises becomes one line."""
    try:
        with _quiet():
            yield
    except AntcostError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())
        raise AntcostError(f"coremltools cannot convert the network: {reason}") from error


def _traced(graph: Graph, seed: int) -> Any:
    """Return the torch module as coremltools takes it, made before that is imported.

    It swallows a Ctrl-C that comes while it imports torch. Batch norm has statistics as after
    training: Core ML stores arrays that are equal only once.
    """
    import torch
    from torch import nn

    from antcost.backends.torch_module import torch_module

    module = torch_module(graph, seed).eval()
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for norm in module.modules():
            if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
                for values in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
                    assert values is not None
                    values.uniform_(0.5, 1.5, generator=rng)
        image = torch.zeros(1, *graph.input.dims)
        return torch.jit.trace(module, image)  # type: ignore[no-untyped-call]  # torch's own


def _image_types(graph: Graph) -> list[Any]:
    import coremltools as ct

    return [ct.TensorType("image", shape=(1, *graph.input.dims))]


def _specification(model: Any) -> Any:
    """Return the protobuf message of a model; outside of macOS, quantized ones are such
    messages.
    """
    return model.get_spec() if hasattr(model, "get_spec") else model


def _know_channel_shuffle() -> None:
    """Teach coremltools the operator of `nn.ChannelShuffle`, which it does not have (9.0)."""
    from coremltools.converters.mil import Builder, register_torch_op
    from coremltools.converters.mil.frontend.torch.ops import _get_inputs

    def channel_shuffle(context: Any, node: Any) -> None:
        x, groups = _get_inputs(context, node, expected=2)
        batch, channels, *size = x.shape
        parts = (batch, groups.val, channels // groups.val, *size)
        swapped = Builder.transpose(x=Builder.reshape(x=x, shape=parts), perm=(0, 2, 1, 3, 4))
        context.add(Builder.reshape(x=swapped, shape=x.shape, name=node.name))

    register_torch_op(channel_shuffle, override=True)


def _torch(graph: Graph, seed: int) -> bytes:
    import torch

    from antcost.backends.torch_module import torch_module

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
    """Silence what a package prints and warns of."""
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
