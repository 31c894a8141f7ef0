"""Engines run the same network: their outputs agree with eager torch's, whatever the settings."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from antcost.errors import AntcostError
from antcost.graph.graph import Graph
from antcost.graph.shape import Shape
from antcost.graph.tape import Tape
from antcost.measure import engines
from antcost.measure.engines import Settings, engine_names, find_engine
from antcost.measure.images import random_images
from antcost.sources.specs.build import build_graph
from antcost.sources.specs.load import load

np = pytest.importorskip("numpy", reason="needs the latency extra")
torch = pytest.importorskip("torch", reason="needs the check extra")
pytest.importorskip("onnxruntime", reason="needs the latency extra")
pytestmark = pytest.mark.torch

SMALL = ["input=[3, 64, 64]", "classes=10"]
NETWORKS = ("mobilenet_v2", "e_antnet", "mobilenet_v3_small", "shufflenet_v2_0.5x")
FAST = ("onnxruntime", "openvino", "torch", "torchscript")


def graph_of(name: str) -> Graph:
    return build_graph(load(name, SMALL))


def tiny() -> Graph:
    tape = Tape(Shape((3, 8, 8)))
    x = tape.conv_bn_act(tape.input, 8, kernel=3, name="stem")
    x = tape.conv_bn(x, 8, name="body")
    return tape.graph("tiny", tape.linear(tape.flatten(tape.global_avg_pool(x)), 4))


def eager(graph: Graph, settings: Settings) -> Any:
    """What torch makes of the images, with all layers of the network in their place."""
    from antcost.backends.onnx_model import random_weights
    from antcost.backends.torch_module import torch_module

    module = torch_module(graph).eval()
    weights = {name: torch.from_numpy(value) for name, value in random_weights(graph).items()}
    missing, unexpected = module.load_state_dict(weights, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    with torch.inference_mode():
        return module(torch.from_numpy(random_images(graph, settings))).numpy()


def output(name: str, graph: Graph, settings: Settings) -> Any:
    if name == "openvino":
        pytest.importorskip("openvino", reason="needs the openvino extra")
    threads = torch.get_num_threads()
    try:
        run = find_engine(name, settings).prepare(graph, settings)
        run()
        return torch.as_tensor(run()).float().numpy().copy()
    finally:
        torch.set_num_threads(threads)


def error(got: Any, expected: Any) -> float:
    """The largest difference, relative to the largest output."""
    assert got.shape == expected.shape
    return float(np.abs(got - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", FAST)
def test_outputs_are_those_of_torch(name: str, network: str) -> None:
    graph = graph_of(network)
    assert error(output(name, graph, Settings()), eager(graph, Settings())) < 1e-4


@pytest.mark.parametrize("name", FAST)
def test_batch_norm_that_is_kept_makes_no_difference(name: str) -> None:
    graph, settings = graph_of("mobilenet_v2"), Settings(fold=False)
    assert error(output(name, graph, settings), eager(graph, settings)) < 1e-4


@pytest.mark.parametrize(
    ("name", "dtype", "most"),
    [("onnxruntime", "fp16", 0.02), ("onnxruntime", "int8", 0.25), ("openvino", "fp16", 0.1)],
)
def test_other_types_come_near(name: str, dtype: Any, most: float) -> None:
    graph, settings = graph_of("mobilenet_v2"), Settings(dtype=dtype)
    try:
        got = output(name, graph, settings)
    except AntcostError as problem:
        pytest.skip(str(problem))
    assert 1e-5 < error(got, eager(graph, settings)) < most


def test_int8_runs_kernels_of_integers() -> None:
    from antcost.measure.onnx_runtime import time_layers

    graph = graph_of("mobilenet_v2")
    runs = {dtype: time_layers(graph, Settings(dtype=dtype), 3) for dtype in ("fp32", "int8")}
    convolutions = {name for name in runs["fp32"].layers_ns if name.endswith(".conv")}
    assert len(convolutions) == 52
    assert convolutions <= runs["int8"].layers_ns.keys()


@pytest.mark.parametrize("name", [*FAST, "torch-compile"])
def test_batches_and_threads_arrive(name: str) -> None:
    graph, settings = tiny(), Settings(threads=2, batch=3)
    got = output(name, graph, settings)
    assert got.shape == (3, 4)
    assert error(got, eager(graph, settings)) < 1e-5


def test_threads_are_those_that_were_asked_for() -> None:
    from antcost.measure import onnx_runtime, torch_engines

    assert onnx_runtime._options(Settings(threads=3)).intra_op_num_threads == 3
    before = torch.get_num_threads()
    try:
        torch_engines.prepare_eager(tiny(), Settings(threads=3))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_openvino_computes_in_what_was_asked_for() -> None:
    pytest.importorskip("openvino", reason="needs the openvino extra")
    from openvino import Type

    from antcost.measure import openvino

    settings = Settings(threads=2)
    compiled = openvino._compiled(openvino._model(tiny(), settings), settings)
    assert compiled.get_property("INFERENCE_PRECISION_HINT") == Type.f32
    assert compiled.get_property("INFERENCE_NUM_THREADS") == 2
    assert compiled.get_property("NUM_STREAMS") == 1


def test_eager_torch_runs_batch_norm_only_if_it_is_kept() -> None:
    from antcost.measure.torch_engines import _module

    def norms(fold: bool) -> int:
        modules = _module(tiny(), Settings(fold=fold)).modules()
        return sum(isinstance(module, torch.nn.BatchNorm2d) for module in modules)

    assert (norms(True), norms(False)) == (0, 2)


def test_vectors_are_run_too() -> None:
    tape = Tape(Shape((6,)))
    graph = tape.graph("vector", tape.linear(tape.input, 4))
    for name in FAST:
        if name != "openvino" or find_spec("openvino"):
            got = output(name, graph, Settings(batch=2))
            assert error(got, eager(graph, Settings(batch=2))) < 1e-5


def test_torch_compile_asks_for_a_compiler_before_anything_runs() -> None:
    code = (
        "from test_engines import tiny\n"
        "from antcost.errors import AntcostError\n"
        "from antcost.measure.engines import Settings, find_engine\n"
        "try: find_engine('torch-compile', Settings()).prepare(tiny(), Settings())\n"
        "except AntcostError as error: print(error)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "", "PYTHONPATH": str(Path(__file__).parent)},
    )
    assert result.stdout == "torch-compile needs a C++ compiler, such as g++ or clang++\n"


# What is there


def test_what_does_not_exist() -> None:
    with pytest.raises(AntcostError, match="no engine 'openvini'; did you mean 'openvino'"):
        find_engine("openvini", Settings())


@pytest.mark.parametrize(
    ("name", "package", "hint"),
    [
        ("onnxruntime", "onnxruntime", "pip install 'antcost[latency]'"),
        ("openvino", "openvino", "pip install 'antcost[openvino]'"),
        ("torch", "torch", "pip install 'antcost[latency]' torch"),
        ("torch-compile", "torch", "pip install 'antcost[latency]' torch"),
        ("torchscript", "torch", "pip install 'antcost[latency]' torch"),
    ],
)
def test_what_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, name: str, package: str, hint: str
) -> None:
    monkeypatch.setattr(
        engines, "find_spec", lambda wanted: None if wanted == package else object()
    )
    with pytest.raises(AntcostError) as problem:
        find_engine(name, Settings())
    assert str(problem.value) == f"{name}: {package} missing: {hint}"


def test_types_that_an_engine_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda _: object())
    for name, has in (("openvino", "fp32, fp16"), ("torch", "fp32")):
        with pytest.raises(AntcostError, match=f"{name} runs {has}, not int8"):
            find_engine(name, Settings(dtype="int8"))


Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a package with one engine, called acme: `acme_engine:ACME`."""

    def write(code: str) -> None:
        info = tmp_path / "acme-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[antcost.engines]\nacme = acme_engine:ACME\n")
        (tmp_path / "acme_engine.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "acme_engine", raising=False)
        engines._third_party.cache_clear()

    yield write
    monkeypatch.undo()
    engines._third_party.cache_clear()
    sys.modules.pop("acme_engine", None)


def documented_engine() -> str:
    """The engine that the page about latency shows."""
    text = (ROOT / "docs" / "latency.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(# acme_engine\.py\n.*?)^```$", text, re.M | re.S)
    return str(code)


def test_an_engine_of_an_installed_package(install: Install) -> None:
    install(documented_engine())
    assert engine_names() == (*engines.BUILT_IN, "acme")
    found = find_engine("acme", Settings())
    assert found.name == "acme"
    graph = tiny()
    got = found.prepare(graph, Settings(batch=2))()
    assert error(got, eager(graph, Settings(batch=2))) < 1e-5


ACME_CODE = """
from antcost.measure.engines import Engine
ACME = Engine("acme", {packages}, "pip install acme", ("fp32",), lambda graph, settings: lambda: 0)
"""


def test_versions_are_those_of_the_distributions_that_packages_are_from(install: Install) -> None:
    install(ACME_CODE.format(packages=("yaml", "json", "torch")))
    assert find_engine("acme", Settings()).versions == {
        "yaml": version("PyYAML"),
        "torch": version("torch"),
    }


def test_a_part_of_a_package_that_is_not_installed(install: Install) -> None:
    install(ACME_CODE.format(packages=("nosuch.sub",)))
    with pytest.raises(AntcostError, match=r"^acme: nosuch\.sub missing: pip install acme$"):
        find_engine("acme", Settings())


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import nosuch\n", "No module named 'nosuch'"),
        ("", "module 'acme_engine' has no attribute 'ACME'"),
        ("raise RuntimeError('no licence\\nand more')\n", "no licence"),
    ],
)
def test_an_entry_point_that_does_not_load(install: Install, code: str, reason: str) -> None:
    install(code)
    with pytest.raises(AntcostError) as problem:
        find_engine("acme", Settings())
    start = "entry point antcost.engines: acme_engine:ACME does not load: "
    assert str(problem.value) == start + reason


def test_of_two_engines_with_one_name_the_first_is_taken(install: Install, tmp_path: Path) -> None:
    install(ACME_CODE.format(packages=()))
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[antcost.engines]\nacme = acme_engine:ACME\n")
    assert len(entry_points(group=engines.ENTRY_POINTS, name="acme")) == 2
    assert engine_names() == (*engines.BUILT_IN, "acme")
    assert find_engine("acme", Settings()).name == "acme"


def test_an_entry_point_that_is_no_engine(install: Install) -> None:
    install("ACME = 'nothing'\n")
    with pytest.raises(AntcostError, match="acme_engine:ACME is no Engine"):
        find_engine("acme", Settings())
