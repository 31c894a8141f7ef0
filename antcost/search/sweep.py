"""What many configurations of a space cost, as a Parquet file: drawn uniformly, or all of them."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from antcost.errors import AntcostError
from antcost.search.chain import build_chain, slices
from antcost.search.space import Space, from_plain, to_plain
from antcost.search.tables import (
    AliasTable,
    Tables,
    costs,
    draw,
    make_alias_tables,
    make_tables,
    number_tables,
    numbered,
)
from antcost.search.tasks import Task, clear_store, is_kept, kept_path, run_tasks
from antcost.search.variables import Variable
from antcost.search.vectorized import IntArray
from antcost.units import format_exact
from antcost.version import __version__

MAX_ROWS = 10**10
ROWS = 2**20
"""Rows of a task, which are a row group of the file; half a second of work."""
CHUNK = 2**15
"""Rows that are looked up at a time, so that they stay in a processor's cache."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """The tasks whose results are the file, in this order, and how many rows it gets."""

    tasks: tuple[Task, ...]
    rows: int


def plan_sample(space: Space, rows: int, seed: int = 0, rows_per_task: int = ROWS) -> Sweep:
    """Configurations drawn independently, each that can be built and keeps the rules as likely.

    Those with the same values for the whole network follow each other; budgets are ignored. Raises
    AntcostError if there is none.
    """
    _require_rows(rows, f"--sample: expected 1 to {format_exact(MAX_ROWS)} rows")
    sizes = _sizes(space)
    total = sum(sizes)
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    of_slice = rng.multinomial(rows, [size / total for size in sizes]).tolist()
    return _planned(space, of_slice, rows_per_task, {"seed": seed})


def plan_all(space: Space, rows_per_task: int = ROWS) -> Sweep:
    """Every configuration that can be built and keeps the rules, once; budgets are ignored.

    Raises AntcostError if there are none or too many.
    """
    sizes = _sizes(space)
    total = format_exact(sum(sizes))
    _require_rows(
        sum(sizes),
        f"{space.name} has {total} configurations, and --all writes up to "
        f"{format_exact(MAX_ROWS)}; use --sample",
    )
    return _planned(space, sizes, rows_per_task, {})


def _require_rows(rows: int, message: str) -> None:
    if not 1 <= rows <= MAX_ROWS:
        raise AntcostError(message)


def _unbounded(space: Space) -> Space:
    return replace(space, bounds=(), rho=None)


def _sizes(space: Space) -> list[int]:
    """How many configurations each slice has. Raises AntcostError if there are none at all."""
    space = _unbounded(space)
    sizes = [build_chain(space, part).size() for part in slices(space)]
    if not any(sizes):
        raise AntcostError(f"{space.name}: no configuration can be built and keeps the rules")
    return sizes


def _planned(space: Space, sizes: Sequence[int], rows_per_task: int, how: dict[str, Any]) -> Sweep:
    text = json.dumps(to_plain(space))
    tasks = []
    for part, size in enumerate(sizes):
        for first in range(0, size, rows_per_task):
            rows = min(rows_per_task, size - first)
            payload = {"space": text, "slice": part, "first": first, "rows": rows, **how}
            tasks.append(Task(row_group, payload))
    return Sweep(tuple(tasks), sum(sizes))


def row_group(payload: Mapping[str, Any]) -> bytes:
    """The rows of one task as a Parquet file: the values of each variable, and what it costs."""
    text, part, rows = payload["space"], payload["slice"], payload["rows"]
    tables = _tables(text, part)
    edges = np.empty((len(tables.legs), rows), dtype=np.int32)
    totals = {name: np.empty(rows, dtype=np.int64) for name in _space(text).measures}
    for start, path in _paths(payload):
        rows_here = slice(start, start + len(path[0]))
        costs(tables, path, {name: total[rows_here] for name, total in totals.items()})
        for leg, edge in enumerate(path):
            edges[leg, rows_here] = edge
    schema = _schema(_space(text), payload)
    columns = _value_columns(text, part, edges) | {n: pa.array(t) for n, t in totals.items()}
    table = pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)
    return _encoded(table)


def _paths(payload: Mapping[str, Any]) -> Iterator[tuple[int, list[IntArray]]]:
    """Where each chunk of the rows begins, and the edges of its paths."""
    text, part, rows, first = (payload[name] for name in ("space", "slice", "rows", "first"))
    tables = _tables(text, part)
    if "seed" not in payload:
        before = _number_tables(text, part)
        for start in range(0, rows, CHUNK):
            yield (
                start,
                numbered(tables, before, first + np.arange(start, min(start + CHUNK, rows))),
            )
        return
    rng = np.random.default_rng(np.random.SeedSequence(payload["seed"], spawn_key=(part, first)))
    for start in range(0, rows, CHUNK):
        yield start, draw(tables, _urns(text, part), min(CHUNK, rows - start), rng)


@lru_cache(maxsize=1)
def _space(text: str) -> Space:
    return from_plain(json.loads(text))


@lru_cache(maxsize=1)
def _tables(text: str, part: int) -> Tables:
    space = _part_of(_space(text), part)
    (only,) = slices(space)
    return make_tables(build_chain(space, only), list(space.measures.values()))


@lru_cache(maxsize=1)
def _urns(text: str, part: int) -> list[AliasTable]:
    return make_alias_tables(_tables(text, part))


@lru_cache(maxsize=1)
def _number_tables(text: str, part: int) -> list[IntArray]:
    return number_tables(_tables(text, part))


def _part_of(space: Space, part: int) -> Space:
    """The space with only the slice of this index in it, and without bounds."""
    indices = np.unravel_index(part, [len(v.values) for v in space.outer]) if space.outer else ()
    outer = tuple(
        replace(v, values=(v.values[int(i)],)) for v, i in zip(space.outer, indices, strict=True)
    )
    return replace(space, outer=outer, bounds=(), rho=None)


def _value_columns(text: str, part: int, edges: npt.NDArray[np.int32]) -> dict[str, pa.Array]:
    """A column for each variable."""
    space, legs = _space(text), _tables(text, part).legs
    chosen = _part_of(space, part).outer
    columns = {
        v.path: pa.repeat(_values(v).take([v.values.index(only.values[0])])[0], edges.shape[1])
        for v, only in zip(space.outer, chosen, strict=True)
    }
    variables = {v.path: v for v in space.variables}
    for leg, edge in zip(legs, map(pa.array, edges), strict=True):
        for path, position in leg.positions.items():
            columns[path] = _values(variables[path]).take(pa.array(position)).take(edge)
    return columns


def _values(variable: Variable) -> pa.Array:
    """The values as a column has them."""
    kind = _type(variable.values)
    if kind == pa.string():
        return pa.array(
            [v if v is None or type(v) is str else json.dumps(v) for v in variable.values], kind
        )
    return pa.array(variable.values, kind)


def _type(values: Sequence[Any]) -> pa.DataType:
    """The smallest type that all values but null have; text, if need be JSON, where none has."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return pa.bool_()
    if kinds <= {int}:
        most = max((abs(value) for value in values if value is not None), default=0)
        return next(
            t
            for t in (pa.int8(), pa.int16(), pa.int32(), pa.int64())
            if most < 2 ** (t.bit_width - 1)
        )
    return pa.float64() if kinds <= {int, float} else pa.string()


def _schema(space: Space, payload: Mapping[str, Any]) -> pa.Schema:
    """The columns, and in the metadata all that the file is made from."""
    fields = [
        pa.field(v.path, _type(v.values), nullable=None in v.values)
        for v in (*space.outer, *space.variables)
    ]
    fields += [pa.field(name, pa.int64(), nullable=False) for name in space.measures]
    metadata = {
        "antcost.version": __version__,
        "antcost.space": space.name,
        "antcost.search": payload["space"],
    }
    if "seed" in payload:
        metadata["antcost.seed"] = str(payload["seed"])
    return pa.schema(fields, metadata)


def _encoded(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with _writer(sink, table.schema) as writer:
        writer.write_table(table, row_group_size=len(table))
    return bytes(sink.getvalue().to_pybytes())


def _writer(sink: Any, schema: pa.Schema) -> pq.ParquetWriter:
    """Random numbers do not compress; what is fastest to write is nearly the smallest, too."""
    integers = [field.name for field in schema if pa.types.is_integer(field.type)]
    return pq.ParquetWriter(
        sink,
        schema,
        compression="none",
        use_dictionary=[field.name for field in schema if pa.types.is_string(field.type)],
        column_encoding=dict.fromkeys(integers, "DELTA_BINARY_PACKED"),
        write_statistics=False,
    )


def store_of(output: Path) -> Path:
    """The folder beside the file that has what is finished of it."""
    return output.parent / f"{output.name}.parts"


def write(
    sweep: Sweep,
    output: Path,
    *,
    workers: int = 1,
    cluster: str | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Run the tasks and write the file, whole or not at all; tell the rows after each of the tasks.

    What is finished is kept beside the file until that is complete, and the same sweep goes on from
    there. Raises AntcostError as run_tasks does, and if the file cannot be written.
    """
    store = store_of(output)
    rows = 0

    def finished(task: Task) -> None:
        nonlocal rows
        rows += task.payload["rows"]
        tell(f"{format_exact(rows)} rows")

    try:
        if output.exists() and not output.is_file():
            raise AntcostError(f"{output}: is no regular file, and nothing else can be swept into")
        store.mkdir(exist_ok=True)
        left = []
        for task in sweep.tasks:
            if is_kept(task, store):
                finished(task)
            else:
                left.append(task)
        for task, _ in run_tasks(left, workers=workers, cluster=cluster, store=store):
            finished(task)
        _replace(output.resolve(), [kept_path(task, store) for task in sweep.tasks])
        clear_store(sweep.tasks, store)
    except OSError as error:
        raise AntcostError(f"{output}: cannot be written: {error.strerror}") from None


def kept_tasks(sweep: Sweep, output: Path) -> int:
    """How many of the tasks are finished and kept beside the file."""
    return sum(is_kept(task, store_of(output)) for task in sweep.tasks)


def _replace(output: Path, parts: Sequence[Path]) -> None:
    """Write the parts into one file, a row group each, and put it in place of the output."""
    temporary = parts[0].with_name("whole.tmp")
    try:
        with _writer(temporary, pq.read_schema(parts[0])) as writer:
            for part in parts:
                table = pq.read_table(part)
                writer.write_table(table, row_group_size=len(table))
        if output.exists():
            shutil.copymode(output, temporary)
        temporary.replace(output)
    finally:
        temporary.unlink(missing_ok=True)
