"""Sizes of files: those that are estimated, and those of files that are written."""

import csv
import io
import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import network
from processes import process, wait_for
from typer.testing import Result

import antcost
from antcost.backends.sizes import DTYPES, FORMATS, file_bytes, stored
from antcost.cost.convention import CONVENTIONS
from antcost.cost.folding import folded_norms
from antcost.cost.memory import Dtype
from antcost.errors import AntcostError
from antcost.files import write_folder_whole
from antcost.graph.graph import Graph
from antcost.graph.layers import BatchNorm, Conv2d, Dropout
from antcost.sources.specs.catalog import shipped_names

Run = Callable[..., Result]
LIMITS: dict[Dtype, float] = {"fp32": 0.015, "fp16": 0.03, "int8": 0.045}
"""What the note of the table says that ONNX files differ by."""


def graph_of(spec: Any) -> Graph:
    return antcost.build_graph(antcost.load(spec))


@pytest.mark.parametrize("name", shipped_names())
def test_what_is_stored_is_what_folding_leaves(name: str) -> None:
    """And of a batch norm that stays its mean and variance, which are no parameters."""
    cost = antcost.analyze(name)
    norms = folded_norms(cost.graph)
    stay = [
        node.shape.c
        for node in cost.graph.nodes
        if isinstance(node.layer, BatchNorm) and node.name not in norms
    ]
    folded = CONVENTIONS["bn_folded"].count_params(cost.whole.cost)
    of = stored(cost.graph)
    assert of.weights + of.others == folded + 2 * sum(stay)


def test_what_a_file_of_every_kind_of_scalars_holds() -> None:
    """A folded norm, dropout and what has no scalars are no layers; a norm that stays is one."""
    graph = graph_of(
        network(
            {"block": "conv", "kernel": 3, "channels": 8, "activation": "relu6"},
            {"block": "condense", "growth": 8, "groups": 4, "condensation": 2},
            {"block": "avgpool"},
            {"block": "linear", "channels": 5, "dropout": 0.5},
        )
    )
    layers = {type(node.layer) for node in graph.nodes}
    assert {BatchNorm, Dropout} < layers
    convs = [node for node in graph.nodes if isinstance(node.layer, Conv2d)]
    stay = len([n for n in graph.nodes if isinstance(n.layer, BatchNorm)]) - len(
        folded_norms(graph)
    )
    assert stay > 0
    of = stored(graph)
    assert of.layers == len(convs) + stay + 1
    assert of.channels == sum(node.shape.c for node in convs) + 5


def onnx_bytes(graph: Graph, dtype: Dtype = "fp32") -> int:
    pytest.importorskip("onnx", reason="needs the export extra")
    return antcost.onnx_model(graph, dtype=dtype).ByteSize()


@pytest.mark.parametrize("name", shipped_names())
def test_an_onnx_file_has_about_the_estimated_size(name: str) -> None:
    """The worst is CondenseNet, whose indices of selected channels are not counted."""
    graph = graph_of(name)
    assert file_bytes(graph, "onnx") == pytest.approx(onnx_bytes(graph), rel=LIMITS["fp32"])


@pytest.mark.parametrize("dtype", ["fp16", "int8"])
@pytest.mark.parametrize(
    "name", ["antnet_g2", "condensenet_g8", "densenet_121", "shufflenet_2x", "cifar100/igcv1"]
)
def test_a_smaller_onnx_file_has_about_the_estimated_size(name: str, dtype: Dtype) -> None:
    graph = graph_of(name)
    size = onnx_bytes(graph, dtype)
    assert file_bytes(graph, "onnx", dtype) == pytest.approx(size, rel=LIMITS[dtype])


@pytest.mark.parametrize("name", ["cifar100/flattened", "shufflenet_v2_0.5x"])
def test_core_ml_files_have_about_the_estimated_size(name: str, tmp_path: Path) -> None:
    pytest.importorskip("coremltools", reason="needs the coreml extra")
    from antcost.backends.export import core_ml_neural_networks, core_ml_programs

    graph = graph_of(name)
    for dtype, content in core_ml_neural_networks(graph).items():
        assert file_bytes(graph, "mlmodel", dtype) == pytest.approx(len(content), rel=0.01)
    for dtype, model in core_ml_programs(graph).items():
        size = write_folder_whole(tmp_path / "net.mlpackage", model.save)
        assert file_bytes(graph, "mlpackage", dtype) == pytest.approx(size, rel=0.02)
    assert [path.name for path in tmp_path.iterdir()] == ["net.mlpackage"]


@pytest.mark.parametrize(
    ("form", "dtype", "megabytes", "close"),
    [
        ("mlmodel", "fp32", 13.958, 0.001),
        ("mlpackage", "fp32", 14.037, 0.001),
        ("mlpackage", "fp16", 7.069, 0.003),
        ("tflite", "fp32", 14.045, 0.0001),
    ],
)
def test_mobilenet_v2_has_the_size_of_files_made_elsewhere(
    form: Any, dtype: Dtype, megabytes: float, close: float
) -> None:
    """By coremltools 9.0 and litert-torch 0.10, and not from the torch module of this package."""
    size = file_bytes(graph_of("mobilenet_v2"), form, dtype)
    assert size == pytest.approx(megabytes * 1e6, rel=close)


def test_auxiliary_heads_are_in_no_file() -> None:
    spec = antcost.load("googlenet")
    training, inference = (antcost.build_graph(spec, training=flag) for flag in (True, False))
    for form in FORMATS:
        assert file_bytes(training, form) == file_bytes(inference, form)


def test_the_table_and_its_json_and_csv(run: Run) -> None:
    text = run("size", "mobilenet_v2").stdout
    assert text.startswith("MobileNetV2, 3,487,816 parameters with batch norm folded\n")
    assert re.search(r"^ONNX +13\.3 MiB +6\.68 MiB +3\.48 MiB$", text, re.MULTILINE)
    assert re.search(r"^TFLite +13\.4 MiB *$", text, re.MULTILINE)
    exact = run("size", "mobilenet_v2", "--exact").stdout
    data = json.loads(run("size", "mobilenet_v2", "--format", "json").stdout)
    assert [row["format"] for row in data["rows"]] == list(FORMATS)
    assert f"{data['rows'][0]['fp32']:,} B" in exact
    rows = list(csv.DictReader(io.StringIO(run("size", "mobilenet_v2", "--format", "csv").stdout)))
    assert [int(row["int8"]) if row["int8"] else None for row in rows] == [
        row["int8"] for row in data["rows"]
    ]


def test_set_and_output(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "sizes.md"
    arguments = ("size", "mobilenet_v2", "--set", "width=0.5", "--format", "markdown")
    assert run(*arguments, "-o", str(path)).stdout == ""
    assert path.read_text() == run(*arguments).stdout
    assert "MobileNetV2 with width=0.5" in path.read_text()


def test_the_columns_of_a_comparison(run: Run) -> None:
    columns = "network,onnx_size,coreml_size,tflite_size"
    command = ("compare", "mobilenet_v2", "antnet_g2", "--columns", columns)
    rows = list(csv.DictReader(io.StringIO(run(*command, "--format", "csv").stdout)))
    graph = graph_of("antnet_g2")
    assert rows[1] == {
        "network": "ANTNet (g = 2)",
        "onnx_size": str(file_bytes(graph, "onnx")),
        "coreml_size": str(file_bytes(graph, "mlmodel")),
        "tflite_size": str(file_bytes(graph, "tflite")),
    }
    assert "files with fp32 weights, estimated as by antcost size." in run(*command).stdout
    assert "antcost size" not in run("compare", "mobilenet_v2").stdout


@pytest.fixture
def without_core_ml(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.util import find_spec

    monkeypatch.setattr(
        "antcost.backends.export.find_spec",
        lambda name: None if name == "coremltools" else find_spec(name),
    )


@pytest.mark.usefixtures("without_core_ml")
def test_export_writes_the_files_and_compares_them(run: Run, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="needs the export extra")
    folder = tmp_path / "new" / "folder"
    command = ("size", "cifar100/flattened", "--export", str(folder), "--exact")
    text = run(*command).stdout
    assert "\nCore ML: coremltools missing: pip install 'antcost[coreml]'.\n" in text
    files = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert files.keys() == {f"flattened.{dtype}.onnx" for dtype in DTYPES}
    assert all(f" {size:,} B " in text for size in files.values())
    before = (folder / "flattened.fp32.onnx").read_bytes()
    data = json.loads(run(*command, "--format", "json", "--seed", "1").stdout)
    onnx_row, core_ml_row, *_ = data["rows"]
    for dtype in DTYPES:
        assert onnx_row[f"{dtype}_written"] == files[f"flattened.{dtype}.onnx"]
        assert core_ml_row[f"{dtype}_written"] is None
    after = onnx.load(folder / "flattened.fp32.onnx")
    assert after == antcost.onnx_model(graph_of("cifar100/flattened"), seed=1)
    assert after.SerializeToString() != before


def test_export_writes_core_ml_where_it_is_installed(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("coremltools", reason="needs the coreml extra")
    pytest.importorskip("onnx", reason="needs the export extra")
    old = tmp_path / "flattened.fp32.mlpackage"
    (old / "rest").mkdir(parents=True)
    result = run("size", "cifar100/flattened", "--export", str(tmp_path), "--format", "json")
    assert result.stderr == ""
    rows = {row["format"]: row for row in json.loads(result.stdout)["rows"]}
    for form in ("onnx", "mlmodel", "mlpackage", "tflite"):
        written = [rows[form][f"{dtype}_written"] is not None for dtype in DTYPES]
        assert written == [form != "tflite"] * len(DTYPES)
    assert not (old / "rest").exists()
    assert len(list(tmp_path.iterdir())) == 9
    for path in tmp_path.iterdir():
        _, dtype, form = path.name.split(".")
        inside = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        assert sum(file.stat().st_size for file in inside) == rows[form][dtype]


def test_export_needs_onnx(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antcost.backends.export.find_spec", lambda name: None)
    error = run("size", "antnet_g2", "--export", str(tmp_path / "x"), exit_code=2).stderr
    assert error == "numpy and onnx missing: pip install 'antcost[export]'\n"
    assert not (tmp_path / "x").exists()


@pytest.mark.usefixtures("without_core_ml")
def test_export_to_what_is_no_folder(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="needs the export extra")
    file = tmp_path / "file"
    file.touch()
    for folder in (file, file / "below"):
        error = run("size", "antnet_g2", "--export", str(folder), exit_code=2).stderr
        assert error.startswith(f"{folder}: cannot be written: ")
        assert error.count("\n") == 1


def test_a_network_too_large_for_onnx(run: Run, write_spec: Callable[..., Path]) -> None:
    pytest.importorskip("onnx", reason="needs the export extra")
    stages = "{name: a, block: linear, channels: 30000}, {name: b, block: linear, channels: 30000}"
    path = write_spec(f"name: n\ninput: [3, 1, 1]\nclasses: 2\nstages: [{stages}]\n")
    assert "3.35 GiB" in run("size", str(path)).stdout
    for command in (
        ("size", str(path), "--export", str(path.parent)),
        ("export", str(path), "--to", "onnx", "-o", str(path.parent / "n.onnx")),
    ):
        assert run(*command, exit_code=2).stderr == (
            "3.35 GiB do not fit into an ONNX file: 2 GiB is its limit\n"
        )
    assert [path.name for path in path.parent.iterdir()] == ["net.yaml"]


def test_a_spec_that_is_not_there(run: Run) -> None:
    error = run("size", "mobilenet_v9", exit_code=2).stderr
    assert error == (
        "mobilenet_v9: no such file and no such network; did you mean 'mobilenet_v2'?\n"
    )


def test_ctrl_c_leaves_no_half_of_a_file(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="needs the export extra")
    folder = tmp_path / "out"
    with process("-m", "antcost", "size", "vgg_16", "--export", str(folder)) as running:
        wait_for(folder.exists, running)
        os.killpg(running.pid, signal.SIGINT)
        assert running.wait() != 0
        assert "Traceback" not in running.communicate()[1]
    assert all(path.stat().st_size > 10**8 for path in folder.iterdir())


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    def write(folder: Path) -> None:
        folder.mkdir()
        (folder / "new").write_text("four")

    def fail(folder: Path) -> None:
        write(folder)
        raise OSError(28, "No space left on device")

    target = tmp_path / "net.mlpackage"
    assert write_folder_whole(target, write) == 4
    (target / "old").touch()
    with pytest.raises(AntcostError, match=r"cannot be written: No space left on device$"):
        write_folder_whole(target, fail)
    assert {path.name for path in target.iterdir()} == {"new", "old"}
    write_folder_whole(target, write)
    assert {path.name for path in target.iterdir()} == {"new"}
    assert [path.name for path in tmp_path.iterdir()] == ["net.mlpackage"]
