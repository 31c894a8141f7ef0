"""Sizes of written files beside those that antcost estimates, and the lines that fit them best.

.venv/bin/python benchmarks/model_sizes.py [NETWORK...]    (needs the extra export; coreml too)

ONNX of every shipped network takes a minute or two; Core ML some ten seconds a network.
"""

import statistics
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from tabulate import tabulate

import antcost
from antcost.backends.export import core_ml_neural_networks, core_ml_programs
from antcost.backends.sizes import DTYPES, FORMATS, OVERHEADS, FileFormat, file_bytes, stored
from antcost.cost.memory import Dtype
from antcost.files import write_folder_whole
from antcost.graph.graph import Graph
from antcost.sources.specs.catalog import shipped_names

Sizes = dict[Dtype, int]


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


def print_sizes(form: FileFormat, measure: Callable[[Graph], Sizes], names: list[str]) -> None:
    graphs = [antcost.build_graph(antcost.load(name)) for name in names]
    written = [measure(graph) for graph in graphs]
    for dtype in DTYPES:
        estimates = np.array([file_bytes(graph, form, dtype) for graph in graphs])
        sizes = np.array([of[dtype] for of in written])
        off = 100 * (estimates / sizes - 1)
        title = f"{FORMATS[form]}, {dtype}"
        print(
            tabulate(zip(names, sizes, off, strict=True), (title, "B", "off, %"), floatfmt="+.3f")
        )
        layers = np.array([stored(graph).layers for graph in graphs])
        now = OVERHEADS[form, dtype].layer
        x, y = layers / sizes, (sizes - estimates + now * layers) / sizes
        print(
            f"{title}: off by {statistics.median(abs(off)):.2f} % in the median, at most "
            f"{max(abs(off)):.2f} %; {now} B a layer, {x @ y / (x @ x):.0f} B fit best\n"
        )


def main(names: list[str]) -> None:
    names = names or shipped_names()
    print_sizes("onnx", onnx_sizes, names)
    if find_spec("coremltools"):
        print_sizes("mlmodel", mlmodel_sizes, names)
        print_sizes("mlpackage", mlpackage_sizes, names)


if __name__ == "__main__":
    main(sys.argv[1:])
