"""Sizes of files: those that are predicted, and those of files that are written."""

import csv
import io
import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from conftest import network
from processes import process, wait_for
from typer.testing import Result

import antcost
from antcost.backends.sizes import DTYPES, FORMATS, file_bytes, stored_layers
from antcost.cost.convention import CONVENTIONS
from antcost.cost.memory import Dtype
from antcost.errors import AntcostError
from antcost.files import write_folder_whole
from antcost.graph.graph import Graph
from antcost.graph.layers import Conv2d, Dropout, Layer, Linear
from antcost.sources.specs.catalog import shipped_names

Run = Callable[..., Result]
CELL = {"sums": [[["skip", 1], ["max3", 1]]], "output": [2]}
EVERY_LAYER = network(
    {"block": "conv", "kernel": 3, "channels": 8, "activation": "relu6", "bias": True},
    {"block": "maxpool", "kernel": 2, "stride": 1},
    {"block": "avgpool", "kernel": 2, "stride": 1, "padding": "same"},
    {"block": "conv_transpose", "kernel": 3, "channels": 8},
    {"block": "e_ant", "expansion": 2, "channels": 8, "groups": [1, 2, 4], "reduction": 2},
    *(
        {"block": "conv", "kernel": 1, "channels": 8, "norm": norm, "activation": kind}
        for norm in (True, False)
        for kind in ("leaky_relu", "elu", "gelu", "silu", "mish", "tanh", "hardswish")
    ),
    {"block": "condense", "growth": 8, "groups": 4, "condensation": 2},
    {"block": "select", "condensation": 2},
    {"block": "highway"},
    {"block": "shuffle_v2", "channels": 8},
    {"block": "darts_cell", "cell": CELL, "channels": 4, "stride": 2},
    {"block": "mobilenet_v3", "hidden": 8, "channels": 8, "squeeze": 4},
    {"block": "avgpool"},
    {"block": "linear", "channels": 5, "dropout": 0.5},
)


def graph_of(spec: Any) -> Graph:
    return antcost.build_graph(antcost.load(spec))


def stored_scalars(graph: Graph) -> int:
    return sum(array.scalars for layer in stored_layers(graph) for array in layer.arrays)


@pytest.mark.parametrize("name", shipped_names())
def test_what_is_stored_is_what_folding_leaves(name: str) -> None:
    """And of a batch norm that stays its mean and variance, which are no parameters."""
    cost = antcost.analyze(name)
    layers = stored_layers(cost.graph)
    norms = [layer.node.shape.c for layer in layers if len(layer.arrays) == 4]
    folded = CONVENTIONS["bn_folded"].count_params(cost.whole.cost)
    assert stored_scalars(cost.graph) == folded + 2 * sum(norms)


def onnx_bytes(graph: Graph, dtype: Dtype = "fp32") -> int:
    pytest.importorskip("onnx", reason="needs the export extra")
    return antcost.onnx_model(graph, dtype=dtype).ByteSize()


@pytest.mark.parametrize("name", shipped_names())
def test_an_onnx_file_has_the_predicted_size(name: str) -> None:
    """The worst is DenseNet-121, whose file is 291 bytes larger."""
    graph = graph_of(name)
    assert abs(file_bytes(graph, "onnx") - onnx_bytes(graph)) <= 291


@pytest.mark.parametrize("dtype", ["fp16", "int8"])
@pytest.mark.parametrize(
    "name", ["antnet_g2", "e_antnet", "densenet_121", "shufflenet_2x", "nasnet_a_mobile"]
)
def test_a_smaller_onnx_file_has_the_predicted_size(name: str, dtype: Dtype) -> None:
    """The worst of all networks is NASNet-A, whose fp16 file is 362 bytes smaller."""
    graph = graph_of(name)
    assert abs(file_bytes(graph, "onnx", dtype) - onnx_bytes(graph, dtype)) <= 362


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_layer_has_its_bytes_in_an_onnx_file(dtype: Dtype) -> None:
    graph = graph_of(EVERY_LAYER)
    assert {type(node.layer) for node in graph.nodes} == set(get_args(Layer))
    assert abs(file_bytes(graph, "onnx", dtype) - onnx_bytes(graph, dtype)) <= 400


@pytest.mark.parametrize("name", ["cifar100/flattened", "shufflenet_v2_0.5x"])
def test_core_ml_files_have_the_predicted_size(name: str, tmp_path: Path) -> None:
    """To what the notes of the table say; ShuffleNetV2 0.5x is nearly the worst."""
    pytest.importorskip("coremltools", reason="needs the coreml extra")
    from antcost.backends.export import core_ml_neural_networks, core_ml_programs

    graph = graph_of(name)
    for dtype, content in core_ml_neural_networks(graph).items():
        assert file_bytes(graph, "mlmodel", dtype) == pytest.approx(len(content), rel=0.003)
    for dtype, model in core_ml_programs(graph).items():
        size = write_folder_whole(tmp_path / "net.mlpackage", model.save)
        assert file_bytes(graph, "mlpackage", dtype) == pytest.approx(size, rel=0.01)
    assert [path.name for path in tmp_path.iterdir()] == ["net.mlpackage"]


@pytest.mark.parametrize(
    ("form", "dtype", "megabytes", "close"),
    [
        ("mlmodel", "fp32", 13.958, 0.0002),
        ("mlpackage", "fp32", 14.037, 0.0005),
        ("mlpackage", "fp16", 7.069, 0.0015),
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


def test_neither_dropout_nor_folded_norms_are_stored() -> None:
    layers = stored_layers(graph_of(EVERY_LAYER))
    assert not any(isinstance(layer.node.layer, Dropout) for layer in layers)
    assert layers[-1].node.inputs != layers[-1].inputs
    first, second = (layers[i] for i in (0, 1))
    assert isinstance(first.node.layer, Conv2d)
    assert [array.scalars for array in first.arrays] == [3 * 3 * 3 * 8, 8]
    assert second.inputs == (first.node.name,)
    assert isinstance(layers[-1].node.layer, Linear)


def test_the_table_and_its_json_and_csv(run: Run) -> None:
    text = run("size", "mobilenet_v2").stdout
    assert text.startswith("MobileNetV2, 3,487,816 parameters with batch norm folded\n")
    assert re.search(r"^ONNX +13\.3 MiB +6\.67 MiB +3\.48 MiB$", text, re.MULTILINE)
    assert re.search(r"^TFLite +13\.4 MiB *$", text, re.MULTILINE)
    exact = run("size", "mobilenet_v2", "--exact").stdout
    data = json.loads(run("size", "mobilenet_v2", "--format", "json").stdout)
    assert [row["format"] for row in data["rows"]] == list(FORMATS)
    assert f"{data['rows'][0]['predicted']['fp32']:,} B" in exact
    rows = list(csv.DictReader(io.StringIO(run("size", "mobilenet_v2", "--format", "csv").stdout)))
    assert [int(row["int8"]) if row["int8"] else None for row in rows] == [
        row["predicted"]["int8"] for row in data["rows"]
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
    assert "files with fp32 weights, predicted as by antcost size." in run(*command).stdout
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
    assert data["rows"][0]["written"] == {
        dtype: files[f"flattened.{dtype}.onnx"] for dtype in DTYPES
    }
    assert "written" not in data["rows"][1]
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
    rows = {row["format"]: row.get("written", {}) for row in json.loads(result.stdout)["rows"]}
    for form in ("onnx", "mlmodel", "mlpackage"):
        assert rows[form].keys() == set(DTYPES)
    assert rows["tflite"] == {}
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
