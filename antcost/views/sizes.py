"""The table of how large a network is as a file: a row a format, predicted and written."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from antcost.backends.sizes import DTYPES, FORMATS, FileFormat, file_bytes
from antcost.cost.analysis import NetCost
from antcost.cost.convention import CONVENTIONS
from antcost.cost.memory import Dtype
from antcost.tables.table import Column, Table
from antcost.units import format_exact

Written = Mapping[tuple[FileFormat, Dtype], int]
NOTES = (
    "Predicted from the layers. Files of the networks that ship differ by at most 0.01 % (ONNX), "
    "0.2 % (.mlmodel) and 0.5 % (.mlpackage) in fp32, else by 0.03, 0.5 and 1.3 %.",
    "Core ML: of coremltools 9.0. TFLite: from one file of litert-torch 0.10, not checked.",
)


@dataclass(frozen=True, slots=True)
class Line:
    """A format, and the bytes of its files by what weights are stored as."""

    form: FileFormat
    predicted: Mapping[Dtype, int | None]
    written: Mapping[Dtype, int]

    def difference(self, dtype: Dtype) -> Fraction | None:
        """What was predicted against the file that was written, relative to that."""
        predicted, written = self.predicted[dtype], self.written.get(dtype)
        return Fraction(predicted, written) - 1 if predicted and written else None


def size_table(cost: NetCost, written: Written | None = None, hint: str = "") -> Table[Line]:
    """Bytes of the network in each format; beside those of files that were written, if some were.

    `hint` says what was not written and why.
    """
    written = written or {}
    lines = [
        Line(
            form,
            {dtype: file_bytes(cost.graph, form, dtype) for dtype in DTYPES},
            {dtype: size for (of, dtype), size in written.items() if of == form},
        )
        for form in FORMATS
    ]
    params = CONVENTIONS["bn_folded"].count_params(cost.whole.cost)
    return Table(
        title=f"{cost.graph.name}, {format_exact(params)} parameters with batch norm folded",
        columns=(
            Column("format", "format", lambda line: FORMATS[line.form]),
            *(column for dtype in DTYPES for column in _columns(dtype, bool(written))),
        ),
        items=lines,
        notes=NOTES,
        hints=(hint,) if hint else (),
        data=lambda: {
            "network": cost.graph.name,
            "params": params,
            "rows": [_data(line) for line in lines],
        },
    )


def _columns(dtype: Dtype, written: bool) -> list[Column[Line]]:
    predicted: Column[Line] = Column(dtype, dtype, lambda line: line.predicted[dtype], "bytes")
    if not written:
        return [predicted]
    return [
        predicted,
        Column(f"{dtype}_written", "file", lambda line: line.written.get(dtype), "bytes"),
        Column(f"{dtype}_difference", "diff.", lambda line: line.difference(dtype), "change"),
    ]


def _data(line: Line) -> dict[str, Any]:
    """One format for JSON, with exact integers."""
    written = {"written": dict(line.written)} if line.written else {}
    return {"format": line.form, "predicted": dict(line.predicted), **written}
