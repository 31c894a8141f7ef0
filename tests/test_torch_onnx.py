"""ONNX models written from the Graph compute what the torch module computes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the check extra")
onnx = pytest.importorskip("onnx", reason="needs the export extra")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the latency extra")

import numpy as np
from conftest import network
from hypothesis import HealthCheck, assume, given, settings
from onnx import ModelProto, numpy_helper
from test_fuzz import counted, valid_specs
from test_torch_export import EVERY_LAYER
from torch import Tensor, nn

import antcost
from antcost.backends.onnx_model import random_weights
from antcost.backends.torch_module import SoftmaxSum
from antcost.cost.convention import CONVENTIONS
from antcost.cost.folding import folded_norms
from antcost.graph.graph import Graph
from antcost.graph.layers import Dropout
from antcost.sources.specs.catalog import shipped_names

pytestmark = pytest.mark.torch
RESOLUTION = 96
"""As 224, it is an odd multiple of 32, so maps are even where they are and odd where they are."""

NEURONS = ("alexnet", "alexnet_owt", "vgg_16")
"""Networks whose fully connected layers have 10^8 weights."""


@dataclass(frozen=True, slots=True)
class Oracle:
    """A graph, weights for it, some images, and what torch makes of them.

    `rounding` is how far single precision takes torch itself from double, relative to the largest
    output. Networks with ReLU amplify it, deep ones to 1e-3: so it is the measure of an error.
    """

    graph: Graph
    weights: Mapping[str, Any]
    images: Any
    outputs: Any
    rounding: float

    def error(self, model: ModelProto) -> float:
        """The largest difference to a model's outputs, relative to the largest output."""
        difference = np.abs(run_model(model, self.images) - self.outputs).max()
        return float(difference / np.abs(self.outputs).max())

    @property
    def tolerance(self) -> float:
        return 10 * self.rounding + 1e-5


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks are slower on several, above all where other processes run."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run_model(model: ModelProto, images: Any) -> Any:
    """The outputs of the model as it was written: nothing is fused before it runs."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    (image,) = session.get_inputs()
    dtype = np.float16 if image.type == "tensor(float16)" else np.float32
    return session.run(["output"], {"image": images.astype(dtype)})[0].astype(np.float32)


def oracle(graph: Graph, loudest: float = 3) -> Oracle:
    """Of two images, with weights that make no layer louder than so many times."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, *graph.input.dims, generator=generator)
    module = antcost.torch_module(graph).eval()
    with torch.no_grad():
        enliven(module, images, generator, loudest)
        weights = {name: value.numpy().copy() for name, value in module.state_dict().items()}
        outputs = module(images).numpy()
        exact = module.double()(images.double()).numpy()
    rounding = np.abs(outputs - exact).max() / np.abs(outputs).max()
    return Oracle(graph, weights, images.numpy(), outputs, float(rounding))


def enliven(module: nn.Module, images: Tensor, generator: torch.Generator, loudest: float) -> None:
    """Normalise what arrives, and centre and scale what leaves, so that signals do not fade.

    Where both images become the same, a layer that is `loudest` makes noise louder, too.
    """

    def statistics(norm: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
        axes = [axis for axis in range(inputs[0].ndim) if axis != 1]
        variance = inputs[0].var(axes, unbiased=False)
        norm.running_mean.copy_(inputs[0].mean(axes))
        norm.running_var.copy_(variance + loudest**-2)
        norm.weight.uniform_(0.5, 1.5, generator=generator)
        norm.bias.normal_(0, 0.2, generator=generator)

    def scale(layer: nn.Conv2d, _: Any, output: Tensor) -> Tensor:
        if output.ndim == 4 and layer.bias is not None:
            mean = output.mean((0, 2, 3))
            layer.bias -= mean
            output = output - mean[:, None, None]
        spread = output.square().mean().sqrt().clamp(min=1 / loudest)
        for parameter in layer.parameters():
            parameter /= spread
        return output / spread

    hooks = []
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            hooks.append(layer.register_forward_pre_hook(statistics))
        elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            hooks.append(layer.register_forward_hook(scale))
        elif isinstance(layer, SoftmaxSum):
            layer.weight.normal_(0, 1, generator=generator)
    module(images)
    for hook in hooks:
        hook.remove()


def small(name: str) -> Graph:
    """A shipped network; at a lower resolution if it is made for 224, and with fewer neurons."""
    overrides = [f"resolution={RESOLUTION}"] if antcost.load(name).input[-1] == 224 else []
    overrides += ["fc[6-7].channels=256"] if name in NEURONS else []
    return antcost.build_graph(antcost.load(name, overrides))


def parameters(model: ModelProto) -> int:
    """Scalars that were learned."""
    constants = ("zero", "six", "/one", ".running_mean", ".running_var")
    return sum(
        int(np.prod(tensor.dims))
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT and not tensor.name.endswith(constants)
    )


def same_as_torch(known: Oracle) -> None:
    """Folded and unfolded: outputs, parameters and names."""
    graph = known.graph
    cost = antcost.analyze(graph).whole.cost
    folded = CONVENTIONS["bn_folded"].count_params(cost)
    for fold, count in ((True, folded), (False, cost.params)):
        model = antcost.onnx_model(graph, known.weights, fold=fold)
        onnx.checker.check_model(model, full_check=True)
        assert known.error(model) < known.tolerance
        assert parameters(model) == count
        assert layer_names(model) == {
            node.name
            for node in graph.nodes
            if not isinstance(node.layer, Dropout)
            and not (fold and node.name in folded_norms(graph))
        }


def layer_names(model: ModelProto) -> set[str]:
    """Names of the nodes, those of parts left out."""
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names)
    return {name for name in names if "/" not in name}


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_networks_compute_what_torch_computes(name: str) -> None:
    known = oracle(small(name))
    moved = np.abs(known.outputs[0] - known.outputs[1]).max() / np.abs(known.outputs).max()
    assert moved > 20 * known.tolerance, "the output does not depend on the image"
    same_as_torch(known)


def test_every_layer_computes_what_torch_computes() -> None:
    known = oracle(antcost.build_graph(antcost.load(EVERY_LAYER)))
    assert known.tolerance < 5e-4
    same_as_torch(known)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(valid_specs())
def test_random_networks_compute_what_torch_computes(spec: dict[str, Any]) -> None:
    known = oracle(counted(spec).graph, loudest=1)
    assume(np.abs(known.outputs).max() > 1e-3)
    same_as_torch(known)


@pytest.fixture(scope="module")
def every_layer() -> Oracle:
    return oracle(antcost.build_graph(antcost.load(EVERY_LAYER)))


def test_half_precision_runs(every_layer: Oracle) -> None:
    """With an error of some roundings to 11 bits."""
    model = antcost.onnx_model(every_layer.graph, every_layer.weights, dtype="fp16")
    onnx.checker.check_model(model, full_check=True)
    assert every_layer.error(model) < 0.05
    kinds = {tensor.data_type for tensor in model.graph.initializer}
    assert kinds == {onnx.TensorProto.FLOAT16, onnx.TensorProto.INT64}


def test_integers_are_within_half_a_step_of_the_weights(every_layer: Oracle) -> None:
    """And the model computes what one with the weights that they stand for computes."""
    graph, weights = every_layer.graph, every_layer.weights
    model = antcost.onnx_model(graph, weights, dtype="int8", fold=False)
    onnx.checker.check_model(model, full_check=True)
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    nodes = [node for node in model.graph.node if node.op_type == "DequantizeLinear"]
    kernels = {name for name, value in weights.items() if np.ndim(value) > 1}
    assert {node.output[0] for node in nodes} == kernels
    restored = {}
    for node in nodes:
        values, (integers, scale) = weights[node.output[0]], map(stored.get, node.input)
        assert integers.dtype == np.int8
        assert np.abs(integers).max() == 127
        steps = scale.reshape([-1 if i == axis_of(node) else 1 for i in range(values.ndim)])
        restored[node.output[0]] = integers * steps
        assert (np.abs(restored[node.output[0]] - values) <= steps * 0.5001).all()
    same = replace(
        every_layer,
        outputs=run_model(
            antcost.onnx_model(graph, {**weights, **restored}, fold=False), every_layer.images
        ),
    )
    assert same.error(model) < every_layer.tolerance
    folded = antcost.onnx_model(graph, weights, dtype="int8")
    onnx.checker.check_model(folded, full_check=True)
    assert every_layer.error(folded) < 0.5


def axis_of(node: onnx.NodeProto) -> int:
    return next(attribute.i for attribute in node.attribute if attribute.name == "axis")


def test_a_batch_is_free_unless_it_is_fixed(every_layer: Oracle) -> None:
    free = antcost.onnx_model(every_layer.graph, every_layer.weights)
    fixed = antcost.onnx_model(every_layer.graph, every_layer.weights, batch=2)
    assert every_layer.error(fixed) < every_layer.tolerance
    one = run_model(free, every_layer.images[:1])
    assert one == pytest.approx(every_layer.outputs[:1], abs=every_layer.tolerance * 10)
    for model, size in ((free, "n"), (fixed, 2)):
        dims = [model.graph.input[0].type.tensor_type.shape.dim[0]]
        dims += [model.graph.output[0].type.tensor_type.shape.dim[0]]
        assert [dim.dim_param or dim.dim_value for dim in dims] == [size, size]


def test_random_weights_come_from_the_seed_and_keep_signals_alive() -> None:
    graph = antcost.build_graph(antcost.load("cifar100/antnet_g2", ["width=0.25"]))
    one, same, other = (random_weights(graph, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert not np.array_equal(one["conv0.conv.weight"], other["conv0.conv.weight"])
    assert antcost.onnx_model(graph, seed=1) == antcost.onnx_model(graph, one)
    images = np.random.default_rng(0).standard_normal((2, *graph.input.dims), np.float32)
    first, second = run_model(antcost.onnx_model(graph, one), images)
    assert np.abs(first - second).max() > 0.01 * np.abs(first).max()
    assert one.keys() == {
        name
        for name in antcost.torch_module(graph).state_dict()
        if not name.endswith("num_batches_tracked")
    }


def test_weights_that_are_missing_or_do_not_fit() -> None:
    spec = network({"block": "conv", "kernel": 3, "channels": 4})
    graph = antcost.build_graph(antcost.load(spec))
    weights = random_weights(graph)
    shape = r"s0.conv.weight have the shape \(4, 3, 1, 1\), not \(4, 3, 3, 3\)"
    narrow = {**weights, "s0.conv.weight": np.zeros((4, 3, 1, 1))}
    with pytest.raises(antcost.AntcostError, match=f"^the weights {shape}$"):
        antcost.onnx_model(graph, narrow)
    del weights["s0.bn.running_var"]
    with pytest.raises(
        antcost.AntcostError, match=r"^the weights s0\.bn\.running_var are missing$"
    ):
        antcost.onnx_model(graph, weights)


def test_the_auxiliary_heads_of_training_are_left_out() -> None:
    spec = antcost.load("googlenet", ["width=0.25", f"resolution={RESOLUTION}"])
    assert antcost.onnx_model(antcost.build_graph(spec, training=True)).ByteSize() == (
        antcost.onnx_model(antcost.build_graph(spec)).ByteSize()
    )
