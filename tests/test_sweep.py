"""Sweeps: what their rows cost, how they are drawn, and that nothing stops them for good."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from processes import SECONDS, dask_cluster, process, wait_for

pytest.importorskip("joblib")
pq = pytest.importorskip("pyarrow.parquet")


import antcost
from antcost.search.chain import build_chain, slices
from antcost.search.space import Space, load_space, to_plain
from antcost.search.sweep import plan_sweep, random_paths, write
from antcost.sources.specs.load import changed

BASE = """
name: base
input: [3, 32, 32]
classes: 10
stages:
  - {name: conv0, block: conv, kernel: 3, channels: 24, stride: 2}
  - {name: a1, block: ant, expansion: 2, channels: 16}
  - {name: a2, block: ant, expansion: 2, channels: 24, stride: 2}
  - {name: head, block: conv, kernel: 1, channels: 64}
  - {name: pool, block: avgpool}
  - {name: fc, block: linear, channels: classes}
"""
SPACE = """
base: base.yaml
choices:
  width: {each: [1.0, 0.5]}
  "a*.channels": {each: [8, 16, 24, 200]}
  a1.reduction: {each: [null, 4]}
  "a*.groups": {shared: [1, 2, 3]}
  a2.repeat: {each: [1, 2]}
  head.activation: {each: [relu6, hardswish]}
budget: {madds: <= 1, peak_memory: <= 1B, rho: <= 0.1}
rules: {"a*.channels": non-decreasing}
"""
DEVICE = "{device: pi, kinds: {other: {us_per_layer: 3, ps_per_madd: 700, ps_per_byte: 300}}}"
VARIABLES = [
    "width", "a1.channels", "a2.channels", "a1.reduction", "a1.groups", "a2.groups", "a2.repeat",
    "head.activation",
]  # fmt: skip
MEASURES = ["madds", "params", "size", "traffic", "peak_memory", "latency"]
MANY, PARTS = str(2**21), 33


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small space, its network and a device."""
    folder = tmp_path_factory.mktemp("sweep")
    for name, text in (("base", BASE), ("space", SPACE), ("device", f"{DEVICE}\n")):
        (folder / f"{name}.yaml").write_text(text)
    (folder / "space.yaml").write_text(f"{SPACE}device: device.yaml\n")
    return folder


@pytest.fixture(scope="module")
def space(folder: Path) -> Space:
    return load_space(str(folder / "space.yaml"))


@pytest.fixture(scope="module")
def undisturbed(folder: Path, space: Space) -> bytes:
    """The file of a long sample, written in this process without a break."""
    output = folder / "undisturbed.parquet"
    write(plan_sweep(space, int(MANY)), output)
    return output.read_bytes()


def every_configuration(space: Space) -> dict[tuple[Any, ...], dict[str, int]]:
    """By its values, what each network costs that can be built and keeps the rules."""
    values = [
        [1.0, 0.5], [8, 16, 24, 200], [8, 16, 24, 200], [None, 4], [1, 2, 3], [1, 2],
        ["relu6", "hardswish"],
    ]  # fmt: skip
    found = {}
    for width, c1, c2, reduction, groups, repeat, activation in product(*values):
        row = (width, c1, c2, reduction, groups, groups, repeat, activation)
        if c1 <= c2:
            settings = [(path, value, "") for path, value in zip(VARIABLES, row, strict=True)]
            try:
                cost = antcost.analyze(changed(space.base, settings))
            except antcost.AntcostError:
                continue
            found[row] = {name: measure.of(cost) for name, measure in space.measures.items()}
    return found


def rows_of(path: Path) -> list[tuple[tuple[Any, ...], dict[str, int]]]:
    """The values and the costs of each row."""
    return [
        (tuple(row[name] for name in VARIABLES), {name: row[name] for name in MEASURES})
        for row in pq.read_table(path).to_pylist()
    ]


def without_budget(space: Space) -> Space:
    return replace(space, bounds=(), rho=None)


def test_all_are_those_that_brute_force_finds(space: Space, tmp_path: Path) -> None:
    expected = every_configuration(space)
    output = tmp_path / "all.parquet"
    write(plan_sweep(space, rows_per_group=50), output)
    rows = rows_of(output)
    free = without_budget(space)
    assert len(rows) == sum(build_chain(free, part).size() for part in slices(free))
    assert len(rows) == len(expected) > 300
    assert dict(rows) == expected
    assert not list(output.parent.glob(f"{output.name}.*"))


def test_a_sample_costs_what_analyze_says(space: Space, tmp_path: Path) -> None:
    expected = every_configuration(space)
    output = tmp_path / "sample.parquet"
    write(plan_sweep(space, 2000, seed=5, rows_per_group=300), output)
    rows = rows_of(output)
    assert len(rows) == 2000
    assert all(costs == expected[values] for values, costs in rows)


def test_rows_of_the_shipped_space_cost_what_analyze_says(tmp_path: Path) -> None:
    shipped = load_space("antnet_300m")
    output = tmp_path / "sample.parquet"
    write(plan_sweep(shipped, 50, seed=2), output)
    for row in pq.read_table(output).to_pylist():
        settings = [(v.path, row[v.path], "") for v in shipped.variables]
        cost = antcost.analyze(changed(shipped.base, settings))
        for name, measure in shipped.measures.items():
            assert row[name] == measure.of(cost)


def chi_square(path: list[Any], size: int) -> float:
    """How far draws are from uniform over all paths."""
    counts = np.unique(np.array(path), axis=1, return_counts=True)[1]
    expected = len(path[0]) / size
    missing = (size - len(counts)) * expected
    return float(((counts - expected) ** 2 / expected).sum() + missing)


def test_draws_are_uniform_over_paths(space: Space) -> None:
    free = without_budget(space)
    chain, rng = build_chain(free, next(slices(free))), np.random.default_rng(1)
    size = chain.size()
    most = size + 5 * (2 * size) ** 0.5
    assert chi_square(random_paths(chain, 100_000, rng), size) < most
    node, each_edge_alike = np.zeros(100_000, dtype=int), []
    for step in chain.steps:
        starts = np.searchsorted(step.source, np.arange(step.source[-1] + 2))
        each_edge_alike.append(rng.integers(starts[node], starts[node + 1]))
        node = step.target[each_edge_alike[-1]]
    assert chi_square(each_edge_alike, size) > 10 * most


def test_every_width_gets_its_share(space: Space, tmp_path: Path) -> None:
    sizes = [build_chain(without_budget(space), part).size() for part in slices(space)]
    output = tmp_path / "sample.parquet"
    write(plan_sweep(space, 20_000), output)
    widths = pq.read_table(output)["width"].to_numpy()
    share = sizes[0] / sum(sizes)
    assert share != 0.5
    assert abs((widths == 1.0).mean() - share) < 4 * (share * (1 - share) / 20_000) ** 0.5


def test_columns_have_the_types_of_their_values(space: Space, tmp_path: Path) -> None:
    output = tmp_path / "sample.parquet"
    write(plan_sweep(space, 10, seed=7), output)
    schema = pq.read_schema(output)
    assert schema.names == [*VARIABLES, *MEASURES]
    assert [str(kind) for kind in schema.types] == [
        "double", "int16", "int16", "int8", "int8", "int8", "int8", "string", *["int64"] * 6,
    ]  # fmt: skip
    assert [field.name for field in schema if field.nullable] == ["a1.reduction"]
    metadata = {key.decode(): value.decode() for key, value in schema.metadata.items()}
    assert metadata["antcost.version"] == antcost.__version__
    assert metadata["antcost.space"] == "space"
    assert metadata["antcost.seed"] == "7"
    assert json.loads(metadata["antcost.search"]) == to_plain(space)


def test_the_file_does_not_depend_on_workers(space: Space, tmp_path: Path) -> None:
    plan = plan_sweep(space, 5000, seed=3, rows_per_group=400)
    files = []
    for workers in (1, 2):
        output = tmp_path / f"{workers}.parquet"
        write(plan, output, workers=workers)
        files.append(output.read_bytes())
    assert files[0] == files[1]
    write(plan_sweep(space, 5000, seed=4, rows_per_group=400), output)
    assert output.read_bytes() != files[0]


def test_a_file_is_replaced_only_by_a_whole_one(space: Space, tmp_path: Path) -> None:
    output = tmp_path / "costs.parquet"
    output.write_text("old")
    output.chmod(0o600)
    plan = plan_sweep(space, 500, rows_per_group=50)
    told: list[str] = []

    def stop(rows: str) -> None:
        told.append(rows)
        if len(told) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(plan, output, on_progress=stop)
    assert output.read_text() == "old"
    assert sum(part.exists() for part in plan.parts(output)) == 4
    before, told = told, []
    write(plan, output, on_progress=told.append)
    assert told[:4] == before == ["50 rows", "100 rows", "150 rows", "200 rows"]
    assert told[-1] == "500 rows"
    assert pq.read_metadata(output).num_rows == 500
    assert output.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["costs.parquet"]


def sweep_command(folder: Path, output: Path, *options: str) -> list[str]:
    space = str(folder / "space.yaml")
    return ["-m", "antcost", "sweep", space, "--sample", MANY, "-o", str(output), *options]


def kept(output: Path) -> int:
    """How many results are in the folder beside the file."""
    return len(list(output.parent.glob(f"{output.name}.*.parts/*.parquet")))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_killed_sweep_goes_on(
    folder: Path, undisturbed: bytes, tmp_path: Path, workers: str
) -> None:
    output = tmp_path / "costs.parquet"
    command = sweep_command(folder, output, "--workers", workers)
    with process(*command) as running:
        wait_for(lambda: kept(output) >= 2, running)
        running.kill()
        running.wait(SECONDS)
    assert not output.exists()
    assert 2 <= kept(output) < PARTS
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=SECONDS, check=True
    )
    assert done.stdout.startswith(f"{output}: 2,097,152 rows in ")
    assert output.read_bytes() == undisturbed
    assert not list(output.parent.glob(f"{output.name}.*"))


def test_ctrl_c_says_how_to_go_on(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "costs.parquet"
    with process(*sweep_command(folder, output, "--workers", "2")) as running:
        wait_for(lambda: kept(output), running)
        os.killpg(running.pid, signal.SIGINT)
        stdout, stderr = running.communicate(timeout=SECONDS)
    assert running.returncode == 130
    message = f"interrupted: {kept(output)} of {PARTS} parts are kept in {output}."
    assert stderr.startswith(message)
    assert stderr.endswith(".parts; the same command continues\n")
    assert not stdout
    assert not output.exists()


def test_a_sweep_on_a_cluster_survives_the_loss_of_a_worker_and_of_the_client(
    folder: Path, undisturbed: bytes, tmp_path: Path
) -> None:
    output = tmp_path / "costs.parquet"
    with dask_cluster(tmp_path) as (address, workers):
        command = sweep_command(folder, output, "--cluster", address)
        with process(*command) as running:
            wait_for(lambda: kept(output), running)
            workers[0].kill()
            wait_for(lambda: kept(output) >= 2, running)
            running.kill()
            running.wait(SECONDS)
        assert not output.exists()
        assert kept(output) < PARTS
        done = subprocess.run([sys.executable, *command], timeout=SECONDS, check=True)
        assert done.returncode == 0
    assert output.read_bytes() == undisturbed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "expected one of --sample N and --all, which say what to write"),
        (["--sample", "5", "--all"], "expected one of --sample N and --all"),
        (["--sample", "0"], "--sample: expected 1 to 10,000,000,000 rows"),
        (["--sample", "9", "-o", "no/c.parquet"], "no/c.parquet: cannot be written: No such file"),
        (["--sample", "9", "-o", "."], ".: is no regular file"),
        (["--sample", "9", "--cluster", "http://a:1"], "expected dask://host:port or ray://host"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(
    run: Callable[..., Any],
    folder: Path,
    options: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    result = run("sweep", "space.yaml", "-o", "x.parquet", *options, exit_code=2)
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_space_without_a_network(run: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    choice = ["--choose", "a1.groups=[5]", "--all", "-o", str(tmp_path / "x.parquet")]
    result = run("sweep", str(folder / "base.yaml"), *choice, exit_code=2)
    assert result.stderr == "base: no configuration can be built and keeps the rules\n"


def test_all_of_too_many_is_refused(run: Callable[..., Any], tmp_path: Path) -> None:
    output = tmp_path / "x.parquet"
    result = run("sweep", "antnet_300m", "--all", "-o", str(output), exit_code=2)
    assert re.fullmatch(r"antnet_300m has [\d,]{20,} configurations, and --all .*\n", result.stderr)
    assert list(tmp_path.iterdir()) == []
