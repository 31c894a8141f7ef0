"""`antcost size`: how large a network is as a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from typer import Option

from antcost.backends.export import (
    core_ml_neural_networks,
    core_ml_programs,
    missing_packages,
    onnx_file,
)
from antcost.backends.sizes import DTYPES, FileFormat
from antcost.cli.options import ExactOption, FormatOption, OutputOption, SetOption, SpecArgument
from antcost.cli.output import Output, emit
from antcost.cli.progress import progress
from antcost.cost.memory import Dtype
from antcost.errors import AntcostError
from antcost.files import write_folder_whole, write_whole
from antcost.graph.graph import Graph
from antcost.sources.analyze import analyze
from antcost.views.sizes import size_table

Name = Callable[[FileFormat, Dtype], Path]
Sizes = dict[tuple[FileFormat, Dtype], int]


def size(
    spec: SpecArgument,
    export: Annotated[
        Path | None,
        Option(metavar="DIR", help="Also write the files, with random weights, and compare them."),
    ] = None,
    seed: Annotated[
        int, Option(min=0, max=2**63 - 1, help="What the random weights come from.")
    ] = 0,
    set_: SetOption = None,
    exact: ExactOption = False,
    format_: FormatOption = "text",
    output: OutputOption = None,
) -> None:
    """How large a network is as ONNX, Core ML and TFLite, with fp32, fp16 and int8 weights.

    Predicted from the layers; --export writes ONNX, and Core ML where coremltools is installed.
    """
    cost = analyze(spec, set_ or ())
    if export is None:
        emit(size_table(cost), Output(exact, format_, output))
        return
    if missing := missing_packages("onnx"):
        raise AntcostError(missing)
    hint = missing_packages("coreml")
    written = _write(cost.graph, export, Path(spec).stem, seed, core_ml=not hint)
    emit(size_table(cost, written, hint and f"Core ML: {hint}."), Output(exact, format_, output))


def _write(graph: Graph, folder: Path, stem: str, seed: int, core_ml: bool) -> Sizes:
    """Write the files that can be written; their bytes."""

    def name(form: FileFormat, dtype: Dtype) -> Path:
        return folder / f"{stem}.{dtype}.{form}"

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AntcostError(f"{folder}: cannot be written: {error.strerror}") from None
    steps = {"ONNX": _write_onnx}
    if core_ml:
        steps |= {".mlmodel": _write_neural_networks, ".mlpackage": _write_programs}
    sizes: Sizes = {}
    with progress("writing", len(steps)) as advance:
        for title, write in steps.items():
            sizes |= write(graph, seed, name)
            advance(title)
    return sizes


def _write_onnx(graph: Graph, seed: int, name: Name) -> Sizes:
    return {
        ("onnx", dtype): _write_bytes(name("onnx", dtype), onnx_file(graph, dtype, seed))
        for dtype in DTYPES
    }


def _write_neural_networks(graph: Graph, seed: int, name: Name) -> Sizes:
    return {
        ("mlmodel", dtype): _write_bytes(name("mlmodel", dtype), content)
        for dtype, content in core_ml_neural_networks(graph, seed).items()
    }


def _write_programs(graph: Graph, seed: int, name: Name) -> Sizes:
    return {
        ("mlpackage", dtype): write_folder_whole(name("mlpackage", dtype), model.save)
        for dtype, model in core_ml_programs(graph, seed).items()
    }


def _write_bytes(path: Path, content: bytes) -> int:
    write_whole(path, content)
    return len(content)
