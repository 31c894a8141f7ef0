"""What many configurations of a space cost, as a Parquet file: drawn uniformly, or all of them."""

import itertools
import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from antcost.errors import AntcostError
from antcost.search.arrays import IntArray
from antcost.search.chain import Chain, build_chain, completions, slices
from antcost.search.parallel import run_calls
from antcost.search.space import Space, to_plain
from antcost.search.variables import Variable
from antcost.units import format_exact
from antcost.version import __version__

MAX_ROWS = 10**10
ROWS = 2**16
"""Rows of a row group, so few that its arrays stay in a processor's cache."""


@dataclass(frozen=True, slots=True)
class SpaceSlice:
    """The networks of a space with one combination of values for the whole network, by number.

    `text` are the plain values of the space, which tell it from others.
    """

    space: Space = field(compare=False)
    text: str
    number: int


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Some configurations of a slice: drawn if there is a seed, else from number `first` on."""

    of: SpaceSlice
    first: int
    rows: int
    seed: int | None


@dataclass(frozen=True, slots=True)
class Sweep:
    """The row groups of a file, in their order."""

    groups: tuple[RowGroup, ...]

    @property
    def rows(self) -> int:
        return sum(group.rows for group in self.groups)

    def parts(self, output: Path) -> list[Path]:
        """Return where each finished row group is kept until the file is complete.

        The folder beside the file has the same name for the same sweep in this version.
        """
        first = self.groups[0]
        count = len(self.groups)
        plan = json.dumps([__version__, first.of.text, first.seed, self.rows, count])
        name = f"{output.name}.{sha256(plan.encode()).hexdigest()[:8]}.parts"
        return [output.parent / name / f"{number}.parquet" for number in range(count)]


def plan_sweep(
    space: Space, sample: int | None = None, seed: int = 0, rows_per_group: int = ROWS
) -> Sweep:
    """Plan to write every configuration that can be built and keeps the rules; budgets are ignored.

    With `sample`, so many are drawn independently, each as likely as any other; those with the same
    values for the whole network follow each other. Raises AntcostError if there are none or too
    many.
    """
    if sample is not None and not 1 <= sample <= MAX_ROWS:
        raise AntcostError(f"--sample: expected 1 to {format_exact(MAX_ROWS)} rows")
    free = replace(space, bounds=(), rho=None)
    sizes = [build_chain(free, part).size() for part in slices(free)]
    total = sum(sizes)
    if not total:
        raise AntcostError(f"{space.name}: no configuration can be built and keeps the rules")
    if sample is not None:
        shares = [size / total for size in sizes]
        sizes = np.random.default_rng(seed).multinomial(sample, shares).tolist()
    elif total > MAX_ROWS:
        raise AntcostError(
            f"{space.name} has {format_exact(total)} configurations, and --all writes up to "
            f"{format_exact(MAX_ROWS)}; use --sample"
        )
    text, drawn = json.dumps(to_plain(space)), None if sample is None else seed
    groups = [
        RowGroup(SpaceSlice(space, text, number), first, min(rows_per_group, size - first), drawn)
        for number, size in enumerate(sizes)
        for first in range(0, size, rows_per_group)
    ]
    return Sweep(tuple(groups))


def row_group(group: RowGroup) -> pa.Table:
    """Return the rows of a group: the value of each variable, and what each network costs."""
    space, chain = group.of.space, _chain(group.of)
    if group.seed is None:
        path = numbered_paths(chain, group.first + np.arange(group.rows))
    else:
        of = (group.of.number, group.first)
        rng = np.random.default_rng(np.random.SeedSequence(group.seed, spawn_key=of))
        path = random_paths(chain, group.rows, rng)
    arcs = [step.arc[edge] for step, edge in zip(chain.steps, path, strict=True)]
    columns = [
        _values(v).take(np.full(group.rows, v.values.index(chain.part.decided[v.path])))
        for v in space.outer
    ]
    for variable in space.variables:
        assert variable.stage is not None
        step = chain.steps[variable.stage]
        option = step.arcs.option[arcs[variable.stage]]
        columns.append(_values(variable).take(step.choices.positions(option, variable.field)))
    columns += [pa.array(chain.count(measure, arcs)) for measure in space.measures.values()]
    return pa.Table.from_arrays(columns, schema=_schema(group))


@lru_cache(maxsize=1)
def _chain(of: SpaceSlice) -> Chain:
    """Return the chain of a slice without budgets."""
    space = of.space
    chosen = list(
        itertools.product(*([replace(v, values=(one,)) for one in v.values] for v in space.outer))
    )
    alone = replace(space, outer=chosen[of.number], bounds=(), rho=None)
    (part,) = slices(alone)
    return build_chain(alone, part)


def random_paths(chain: Chain, size: int, rng: np.random.Generator) -> list[IntArray]:
    """Draw independent paths, each with the same chance up to the rounding of 64-bit floats.

    Returns the edges of all paths through each step.
    """
    node, path = np.zeros(size, dtype=np.int64), []
    for step, completed in zip(chain.steps, completions(chain)[1:], strict=True):
        most = max(completed)
        weight = np.array([paths / most for paths in completed])[step.target]
        starts = np.searchsorted(step.source, np.arange(step.source[-1] + 2))
        share = weight / np.add.reduceat(weight, starts[:-1])[step.source]
        edge = np.searchsorted(np.cumsum(share), node + rng.random(size), side="right")
        path.append(np.clip(edge, starts[node], starts[node + 1] - 1))
        node = step.target[path[-1]]
    return path


def numbered_paths(chain: Chain, numbers: IntArray) -> list[IntArray]:
    """Return the paths with these numbers, from 0: the edges of all of them through each step."""
    node, path = np.zeros(len(numbers), dtype=np.int64), []
    for step, completed in zip(chain.steps, completions(chain)[1:], strict=True):
        paths = np.array(completed, dtype=np.int64)[step.target]
        before = np.cumsum(paths) - paths
        number = numbers + before[np.searchsorted(step.source, node)]
        path.append(np.searchsorted(before, number, side="right") - 1)
        numbers = number - before[path[-1]]
        node = step.target[path[-1]]
    return path


def _values(variable: Variable) -> pa.Array:
    """Return the values as a column has them."""
    kind = _type(variable.values)
    if kind == pa.string():
        texts = [v if v is None or type(v) is str else json.dumps(v) for v in variable.values]
        return pa.array(texts, kind)
    return pa.array(variable.values, kind)


def _type(values: Sequence[Any]) -> pa.DataType:
    """Return the smallest type that all values but null have; else text, if need be JSON."""
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


def _schema(group: RowGroup) -> pa.Schema:
    """Return the columns, and in the metadata all that the file is made from."""
    space = group.of.space
    fields = [
        pa.field(v.path, _type(v.values), nullable=None in v.values)
        for v in (*space.outer, *space.variables)
    ]
    fields += [pa.field(name, pa.int64(), nullable=False) for name in space.measures]
    metadata = {
        "antcost.version": __version__,
        "antcost.space": space.name,
        "antcost.search": group.of.text,
    }
    if group.seed is not None:
        metadata["antcost.seed"] = str(group.seed)
    return pa.schema(fields, metadata)


def write(
    sweep: Sweep,
    output: Path,
    *,
    workers: int = 1,
    cluster: str | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Write the file, whole or not at all; `on_progress` gets the rows after each row group.

    What is finished is kept beside the file until that is complete, and the same sweep goes on from
    there. Raises AntcostError as run_calls does, and if the file cannot be written.
    """
    parts, rows = sweep.parts(output), 0
    folder = parts[0].parent

    def finished(group: RowGroup) -> None:
        nonlocal rows
        rows += group.rows
        on_progress(f"{format_exact(rows)} rows")

    try:
        if output.exists() and not output.is_file():
            raise AntcostError(f"{output}: is no regular file, and nothing else can be swept into")
        folder.mkdir(exist_ok=True)
        missing = []
        for group, part in zip(sweep.groups, parts, strict=True):
            if part.exists():
                finished(group)
            else:
                missing.append((group, part))
        calls = [(group,) for group, _ in missing]
        for number, table in run_calls(row_group, calls, workers=workers, cluster=cluster):
            group, part = missing[number]
            _write_parquet([table], part, folder)
            finished(group)
        _write_parquet(map(pq.read_table, parts), output.resolve(), folder)
        shutil.rmtree(folder)
    except OSError as error:
        raise AntcostError(f"{output}: cannot be written: {error.strerror}") from None


def _write_parquet(tables: Iterable[pa.Table], path: Path, folder: Path) -> None:
    """Write a row group for each table; the file is replaced by a whole one from the folder."""
    temporary = folder / "unfinished.tmp"
    tables = iter(tables)
    first = next(tables)
    few_values = [field.name for field in first.schema if field.type != pa.int64()]
    with pq.ParquetWriter(temporary, first.schema, use_dictionary=few_values) as writer:
        for table in itertools.chain([first], tables):
            writer.write_table(table, row_group_size=len(table))
    if path.exists():
        shutil.copymode(path, temporary)
    temporary.replace(path)
