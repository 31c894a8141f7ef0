"""The table of how large a network is as a file: a row a format, estimated and written."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from antcost.backends.sizes import DTYPES, FORMATS, FileFormat, file_bytes
from antcost.cost.analysis import NetCost
from antcost.cost.convention import CONVENTIONS
from antcost.cost.memory import Dtype
from antcost.tables.table import Column, Table
from antcost.units import format_exact

Written = Mapping[tuple[FileFormat, Dtype], int]
NOTES = (
    "Estimated from scalars and layers. Files differ by at most 1.5 % (ONNX, of all networks that "
    "ship) and 0.7 % (Core ML, of seven) in fp32, else by 4.5 and 1.6 %.",
    "Core ML: of coremltools 9.0. TFLite: from one file of litert-torch 0.10, not checked.",
)


@dataclass(frozen=True, slots=True)
class SizeRow:
    """A format, and the bytes of its files by what weights are stored as."""

    form: FileFormat
    predicted: Mapping[Dtype, int | None]
    written: Mapping[Dtype, int]

    def difference(self, dtype: Dtype) -> Fraction | None:
        """Return how far the estimate is off, relative to the file that was written."""
        predicted, written = self.predicted[dtype], self.written.get(dtype)
        return Fraction(predicted, written) - 1 if predicted and written else None


def size_table(cost: NetCost, written: Written | None = None, hint: str = "") -> Table[SizeRow]:
    """Return bytes of the network in each format, beside those of files that were written, if any.

    `hint` says what was not written and why.
    """
    written = written or {}
    rows = [
        SizeRow(
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
            Column("format", "format", lambda row: FORMATS[row.form]),
            *(column for dtype in DTYPES for column in _columns(dtype, bool(written))),
        ),
        items=rows,
        notes=NOTES,
        hints=(hint,) if hint else (),
        facts={"network": cost.graph.name, "params": params},
        more={"format": lambda row: row.form},
    )


def _columns(dtype: Dtype, written: bool) -> list[Column[SizeRow]]:
    predicted: Column[SizeRow] = Column(dtype, dtype, lambda row: row.predicted[dtype], "bytes")
    if not written:
        return [predicted]
    return [
        predicted,
        Column(f"{dtype}_written", "file", lambda row: row.written.get(dtype), "bytes"),
        Column(f"{dtype}_difference", "diff.", lambda row: row.difference(dtype), "change"),
    ]
