"""`antcost size`: how large a network is as a file."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

from typer import Option

from antcost.backends.export import (
    core_ml_neural_networks,
    core_ml_programs,
    missing_packages,
    onnx_file,
)
from antcost.backends.sizes import DTYPES, FORMATS, FileFormat
from antcost.cli import options
from antcost.cli.output import Output, emit
from antcost.cli.progress import progress
from antcost.cost.memory import Dtype
from antcost.errors import AntcostError
from antcost.files import write_folder_whole, write_whole
from antcost.graph.graph import Graph
from antcost.sources.analyze import analyze
from antcost.views.sizes import size_table


def size(
    spec: options.Spec,
    export: Annotated[
        Path | None,
        Option(metavar="DIR", help="Also write the files, with random weights, and compare them."),
    ] = None,
    seed: Annotated[
        int, Option(min=0, max=2**63 - 1, help="What the random weights come from.")
    ] = 0,
    set_: options.Set = None,
    *,
    to: Output,
) -> None:
    """Show how large a network is as ONNX, Core ML and TFLite, with fp32, fp16 and int8 weights.

    Estimated; --export writes ONNX, and Core ML where coremltools is installed, and shows both.
    """
    cost = analyze(spec, set_ or ())
    if export is None:
        emit(size_table(cost), to)
        return
    if missing := missing_packages("onnx"):
        raise AntcostError(missing)
    hint = missing_packages("coreml")
    forms: list[FileFormat] = ["onnx"] if hint else ["onnx", "mlmodel", "mlpackage"]
    written = _write(cost.graph, export, Path(spec).stem, seed, forms)
    emit(size_table(cost, written, hint and f"Core ML: {hint}."), to)


def _write(
    graph: Graph, folder: Path, stem: str, seed: int, forms: Sequence[FileFormat]
) -> dict[tuple[FileFormat, Dtype], int]:
    """Write the network in these formats; return the bytes of the files."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AntcostError(f"{folder}: cannot be written: {error.strerror}") from None
    sizes: dict[tuple[FileFormat, Dtype], int] = {}
    with progress("writing", len(forms)) as advance:
        for form in forms:
            for dtype, model in _models(graph, form, seed):
                path = folder / f"{stem}.{dtype}.{form}"
                if isinstance(model, bytes):
                    write_whole(path, model)
                    sizes[form, dtype] = len(model)
                else:
                    sizes[form, dtype] = write_folder_whole(path, model.save)
            advance(FORMATS[form])
    return sizes


def _models(graph: Graph, form: FileFormat, seed: int) -> Iterable[tuple[Dtype, Any]]:
    """Return the content of a file, or what saves a folder, by the type of its weights."""
    if form == "onnx":
        return ((dtype, onnx_file(graph, dtype, seed)) for dtype in DTYPES)
    core_ml = core_ml_neural_networks if form == "mlmodel" else core_ml_programs
    return core_ml(graph, seed).items()
