"""Real sizes of files beside those that antcost predicts, and the constants that fit them best.

.venv/bin/python benchmarks/model_sizes.py [NETWORK...]    (needs the extras export and coreml)

ONNX of every shipped network takes a minute or two, Core ML of the default ones ten.
"""

import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from onnx import ModelProto
from scipy.optimize import nnls
from tabulate import tabulate

import antcost
from antcost.backends.export import core_ml_neural_networks, core_ml_programs
from antcost.backends.sizes import (
    DTYPES,
    FORMATS,
    MLMODEL,
    MLPACKAGE,
    FileFormat,
    Overhead,
    Stored,
    file_bytes,
    stored_layers,
)
from antcost.cost.memory import Dtype
from antcost.files import write_folder_whole
from antcost.graph.graph import Graph
from antcost.graph.layers import Activation, Add, Flatten
from antcost.sources.specs.catalog import shipped_names

CORE_ML = (
    "mobilenet_v2", "mobilenet_v2_1.4", "mobilenet_v1", "mobilenet_v3_large", "mobilenet_v3_small",
    "antnet_g1", "antnet_g2", "e_antnet", "resnet_18", "resnet_34", "resnet_50", "se_resnet_50",
    "densenet_121", "condensenet_g8", "googlenet", "googlenet_bn", "inception_v3", "xception",
    "squeezenext", "shufflenet_1.5x", "shufflenet_v2_0.5x", "shufflenet_v2_1x", "mnasnet_a1",
    "efficientnet_b0", "ghostnet", "clcnet", "darts_v2", "nasnet_a_mobile", "cifar100/antnet_g2",
    "cifar100/c_antnet", "cifar100/e_antnet", "cifar100/flattened", "cifar100/highway_19",
    "cifar100/igcv1", "cifar100/mobilenet_v2", "cifar100/se_mobilenet_v2",
)  # fmt: skip
Sizes = dict[Dtype, int]
Real = dict[str, Sizes]


def onnx_sizes(graph: Graph) -> Sizes:
    return {dtype: antcost.onnx_model(graph, dtype=dtype).ByteSize() for dtype in DTYPES}


def mlmodel_sizes(graph: Graph) -> Sizes:
    return {dtype: len(content) for dtype, content in core_ml_neural_networks(graph).items()}


def mlpackage_sizes(graph: Graph) -> Sizes:
    with tempfile.TemporaryDirectory() as folder:
        return {
            dtype: write_folder_whole(Path(folder) / f"{dtype}.mlpackage", model.save)
            for dtype, model in core_ml_programs(graph).items()
        }


def print_sizes(form: FileFormat, measure: Callable[[Graph], Sizes], names: list[str]) -> Real:
    """A table with a row a network; returns the real sizes."""
    real: Real = {}
    rows = []
    for name in names:
        graph = built(name)
        real[name] = measure(graph)
        predicted = {dtype: file_bytes(graph, form, dtype) or 0 for dtype in DTYPES}
        rows.append(
            [name]
            + [
                value
                for dtype, size in real[name].items()
                for value in (size, predicted[dtype] - size, 100 * (predicted[dtype] / size - 1))
            ]
        )
    headers = [FORMATS[form], *(head for dtype in DTYPES for head in (dtype, "off, B", "off, %"))]
    digits = ("", *("", "", "+.3f") * len(DTYPES))
    print(tabulate(rows, headers, floatfmt=digits, intfmt=","))
    for column, dtype in enumerate(DTYPES):
        errors = [abs(row[3 * column + 3]) for row in rows]
        largest = max(abs(row[3 * column + 2]) for row in rows)
        print(
            f"{FORMATS[form]} as {dtype}: off by {statistics.median(errors):.3f} % in the median, "
            f"at most {max(errors):.3f} % and {largest:,} B"
        )
    print()
    return real


def built(name: str) -> Graph:
    return antcost.build_graph(antcost.load(name))


def print_overheads(form: FileFormat, real: Real, now: dict[Dtype, Overhead]) -> None:
    """The constants as they are, and those that fit the files best, by least relative squares."""
    rows = []
    for dtype in DTYPES:
        constants = now[dtype]
        used = np.array(
            [constants.stored, constants.plain, constants.other, constants.integers], float
        )
        counts, sizes, rest = [], [], []
        for name, of in real.items():
            graph = built(name)
            counts.append(kinds(stored_layers(graph), form, dtype))
            sizes.append(of[dtype])
            rest.append(of[dtype] - (file_bytes(graph, form, dtype) or 0) + counts[-1] @ used)
        scale = 1 / np.array(sizes)
        best, _ = nnls(np.array(counts) * scale[:, None], np.array(rest) * scale)
        rows += [(dtype, "now", *used), (dtype, "best fit", *best)]
    headers = (f"{FORMATS[form]}, B a layer", "", "stored", "plain", "other", "integers")
    print(tabulate(rows, headers, floatfmt=".0f"), end="\n\n")


def kinds(layers: tuple[Stored, ...], form: FileFormat, dtype: Dtype) -> np.ndarray:
    """How many layers are of each kind that has a constant, and how many arrays of integers."""
    stored = sum(bool(layer.arrays) for layer in layers)
    plain = sum(isinstance(layer.node.layer, Activation | Add | Flatten) for layer in layers)
    integers = sum(
        form == "mlpackage" and dtype == "int8" and array.channels > 0 and array.scalars > 2048
        for layer in layers
        for array in layer.arrays
    )
    return np.array([stored, plain, len(layers) - stored - plain, integers])


def print_onnx_layers(names: list[str]) -> None:
    """Bytes of each kind of layer in ONNX files, without names and learned scalars."""
    bytes_of = defaultdict(list)
    for name in names:
        graph = built(name)
        layers = {node.name: node for node in graph.nodes}
        own = dict.fromkeys(layers, 0)
        for layer, size in onnx_parts(antcost.onnx_model(graph), layers.keys()):
            own[layer] += size
        for layer in stored_layers(graph):
            if layer.node.layer != Activation("relu6"):
                scalars = 4 * sum(array.scalars for array in layer.arrays)
                kind = type(layer.node.layer).__name__
                terms = f", {len(layer.inputs)} inputs" if len(layer.inputs) > 1 else ""
                arrays = f", {len(layer.arrays)} arrays" if layer.arrays else ""
                label = getattr(layer.node.layer, "kind", kind) + terms + arrays
                bytes_of[label].append(own[layer.node.name] - scalars)
    rows = [
        (label, len(sizes), statistics.mean(sizes), min(sizes), max(sizes))
        for label, sizes in sorted(bytes_of.items())
    ]
    print(tabulate(rows, ("ONNX, B a layer", "layers", "mean", "least", "most"), floatfmt=".0f"))


def onnx_parts(model: ModelProto, layers: object) -> Iterator[tuple[str, int]]:
    """The bytes of every part of a model that belongs to a layer, without the names of layers."""

    def owner(name: str) -> str:
        name = name.partition("/")[0]
        while name and name not in layers:
            name = name.rpartition(".")[0]
        return name

    for part in (*model.graph.node, *model.graph.initializer):
        size = part.ByteSize()
        names = [part.name, *getattr(part, "input", ()), *getattr(part, "output", ())]
        written = sum(len(owner(name)) for name in names)
        if owner(part.name):
            yield owner(part.name), size + 1 + len(varint(size)) - written


def varint(value: int) -> list[int]:
    """The bytes of a length, as protobuf writes it."""
    return [value & 127, *varint(value >> 7)] if value > 127 else [value]


def main(names: list[str]) -> None:
    print_sizes("onnx", onnx_sizes, names or shipped_names())
    print_onnx_layers(names or shipped_names())
    print()
    for form, measure, now in (
        ("mlmodel", mlmodel_sizes, MLMODEL),
        ("mlpackage", mlpackage_sizes, MLPACKAGE),
    ):
        print_overheads(form, print_sizes(form, measure, names or list(CORE_ML)), now)


if __name__ == "__main__":
    main(sys.argv[1:])
