"""Exported networks compute what the torch module computes."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the export extra")
onnx = pytest.importorskip("onnx", reason="needs the export extra")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the latency extra")

from conftest import network
from typer.testing import Result

import antcost
from antcost.export import exported

pytestmark = pytest.mark.torch

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
    {"block": "avgpool"},
    {"block": "linear", "channels": 5, "dropout": 0.5},
    input_shape=(3, 11, 14),
)


@pytest.mark.parametrize("spec", ["cifar100/antnet_g2", EVERY_LAYER], ids=["antnet", "every layer"])
def test_outputs_are_those_of_the_torch_module(spec: Any) -> None:
    graph = antcost.build_graph(antcost.load(spec))
    images = torch.randn(3, *graph.input.dims, generator=torch.Generator().manual_seed(0))
    expected = antcost.torch_module(graph, seed=7).eval()(images).detach()
    program = torch.export.load(io.BytesIO(exported(graph, "torch", seed=7)))
    torch.testing.assert_close(program.module()(images), expected)
    model = exported(graph, "onnx", seed=7)
    onnx.checker.check_model(onnx.load_from_string(model))
    session = onnxruntime.InferenceSession(model)
    (output,) = session.run(["output"], {"image": images.numpy()})
    torch.testing.assert_close(torch.from_numpy(output), expected, rtol=1e-3, atol=1e-4)


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
    monkeypatch.setattr("antcost.export.find_spec", lambda name: None)
    path = tmp_path / "net.onnx"
    result = run("export", "antnet_g2", "--to", "onnx", "-o", str(path), exit_code=2)
    assert result.stderr == (
        "torch and onnx and onnxscript missing: pip install 'antcost[export]'\n"
    )
    assert not path.exists()
