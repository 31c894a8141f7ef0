"""Exported files hold what the torch module and the ONNX model are."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

torch = pytest.importorskip("torch", reason="needs the export extra")
onnx = pytest.importorskip("onnx", reason="needs the export extra")

from conftest import network
from typer.testing import Result

import antcost
from antcost.backends.export import exported
from antcost.graph.layers import Activation, ActivationKind, Layer

pytestmark = pytest.mark.torch

CELL = {"sums": [[["skip", 1], ["max3", 1]]], "output": [2]}
EVERY_LAYER = network(
    {"block": "conv", "kernel": [2, 3], "channels": 8, "activation": "relu6", "dilation": 2},
    {"block": "maxpool", "kernel": 2, "stride": 1},
    {"block": "avgpool", "kernel": [2, 4], "stride": 2, "padding": "same"},
    {"block": "maxpool", "kernel": 2, "stride": 2, "padding": "valid", "ceil": True},
    {"block": "conv_transpose", "kernel": 3, "stride": 2, "channels": 8, "groups": 2},
    {"block": "e_ant", "expansion": 2, "channels": 8, "groups": [1, 2], "reduction": 2},
    *(
        {"block": "conv", "kernel": 1, "channels": 8, "groups": 4, "bias": True, "activation": kind}
        for kind in ("relu", "leaky_relu", "elu", "gelu", "silu", "mish", "tanh", "hardswish")
    ),
    {"block": "avgpool", "kernel": 3, "stride": 2, "padding": "same"},
    {"block": "condense", "growth": 8, "groups": 4, "condensation": 2},
    {"block": "select", "condensation": 2},
    {"block": "highway"},
    {"block": "shuffle_v2", "channels": 8},
    {"block": "darts_cell", "cell": CELL, "channels": 4, "stride": 2},
    {"block": "mobilenet_v3", "hidden": 8, "channels": 8, "squeeze": 4},
    {"block": "avgpool"},
    {"block": "linear", "channels": 5, "dropout": 0.5},
    input_shape=(3, 11, 14),
)


def test_every_layer_and_every_activation_is_in_the_spec_that_says_so() -> None:
    layers = [node.layer for node in antcost.build_graph(antcost.load(EVERY_LAYER)).nodes]
    assert {type(layer) for layer in layers} == set(get_args(Layer))
    kinds = {layer.function for layer in layers if isinstance(layer, Activation)}
    assert kinds == set(get_args(ActivationKind))


@pytest.mark.parametrize("spec", ["cifar100/antnet_g2", EVERY_LAYER], ids=["antnet", "every layer"])
def test_a_program_computes_what_the_torch_module_computes(spec: Any) -> None:
    graph = antcost.build_graph(antcost.load(spec))
    images = torch.randn(3, *graph.input.dims, generator=torch.Generator().manual_seed(0))
    expected = antcost.torch_module(graph, seed=7).eval()(images).detach()
    program = torch.export.load(io.BytesIO(exported(graph, "torch", seed=7)))
    torch.testing.assert_close(program.module()(images), expected)


def test_an_onnx_file_is_the_model_of_the_seed() -> None:
    graph = antcost.build_graph(antcost.load(EVERY_LAYER))
    model = onnx.load_from_string(exported(graph, "onnx", seed=7))
    assert model == antcost.onnx_model(graph, seed=7)
    assert model != antcost.onnx_model(graph, seed=8)


def test_the_command_writes_a_file(run: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    spec = ("export", "cifar100/antnet_g2", "--set", "width=0.25", "--to", "torch")
    result = run(*spec, "-o", str(path), "--seed", "1")
    assert (result.stdout, result.stderr) == ("", "")
    loaded = torch.export.load(path).state_dict
    graph = antcost.build_graph(antcost.load("cifar100/antnet_g2", ["width=0.25"]))
    expected = antcost.torch_module(graph, seed=1).state_dict()
    assert all(torch.equal(loaded[name], expected[name]) for name in expected)


def test_a_missing_package_names_the_extra(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("antcost.backends.export.find_spec", lambda name: None)
    path = tmp_path / "net.onnx"
    result = run("export", "antnet_g2", "--to", "onnx", "-o", str(path), exit_code=2)
    assert result.stderr == "numpy and onnx missing: pip install 'antcost[export]'\n"
    assert not path.exists()
