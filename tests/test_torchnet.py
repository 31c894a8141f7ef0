"""The torch module of a Graph against the Graph, and as a network that trains."""

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the check extra")

from conftest import network
from hypothesis import HealthCheck, given, settings
from test_fuzz import counted, valid_specs
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torch_networks import mobilenet_v2

import antcost
from antcost.backends.torch_module import ACTIVATIONS
from antcost.graph.layers import (
    Add,
    BatchNorm,
    Complement,
    Concat,
    Conv2d,
    Linear,
    Multiply,
    SliceChannels,
    WeightedSum,
)
from antcost.sources.specs.catalog import shipped_names

pytestmark = pytest.mark.torch


def same_as_graph(cost: Any) -> None:
    """Shapes of every layer, parameters and FLOPs of torch are those of the Graph."""
    module = antcost.torch_module(cost.graph).eval()
    shapes = {}
    for name, layer in module.named_modules():
        layer.register_forward_hook(
            lambda _, __, output, name=name: shapes.update({name: tuple(output.shape[1:])})
        )
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        output = module(torch.zeros(2, *cost.graph.input.dims))
    assert tuple(output.shape) == (2, *cost.graph.output.dims)
    named = [node for node in cost.graph.nodes if node.name in shapes]
    assert {node.name: shapes[node.name] for node in named} == {n.name: n.shape.dims for n in named}
    assert {n.name for n in cost.graph.nodes} - shapes.keys() == {
        n.name
        for n in cost.graph.nodes
        if isinstance(n.layer, Add | Multiply | Complement | Concat | SliceChannels)
    }
    assert sum(p.numel() for p in module.parameters()) == cost.params
    assert counter.get_total_flops() == 2 * cost.flops


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(valid_specs())
def test_random_networks_agree_with_torch(spec: dict[str, Any]) -> None:
    same_as_graph(counted(spec))


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_networks_agree_with_torch(name: str) -> None:
    same_as_graph(antcost.analyze(name))


def test_names_are_those_of_the_spec() -> None:
    module = antcost.torch_module(antcost.build_graph(antcost.load("e_antnet")))
    modules = dict(module.named_modules())
    assert {"conv0", "ant2.1.branch0.attention.reduce", "ant2.1.weighted_sum"} <= set(modules)
    assert isinstance(modules["ant2.1.branch1.project.conv"], nn.Conv2d)
    assert modules["ant2.1.branch1.project.conv"].groups == 2
    with_params = {
        node.name
        for node in antcost.analyze("e_antnet").graph.nodes
        if isinstance(node.layer, Conv2d | Linear | BatchNorm | WeightedSum)
    }
    assert {name.rpartition(".")[0] for name, _ in module.named_parameters()} == with_params


def test_weights_come_from_the_seed_and_leave_the_random_state_alone() -> None:
    graph = antcost.build_graph(antcost.load("cifar100/antnet_g2", ["width=0.25"]))
    torch.manual_seed(7)
    before = torch.get_rng_state()
    one, same, other = (antcost.torch_module(graph, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not torch.equal(one["conv0.conv.weight"], other["conv0.conv.weight"])


def test_a_state_dict_can_be_loaded_and_gives_the_same_output() -> None:
    graph = antcost.build_graph(antcost.load("cifar100/e_antnet", ["width=0.25"]))
    image = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    source, target = (antcost.torch_module(graph, seed).eval() for seed in (1, 2))
    target.load_state_dict(source.state_dict())
    assert torch.equal(source(image), target(image))


def test_the_output_is_that_of_a_network_written_by_hand() -> None:
    """MobileNetV2 in both forms, with the same weights in the order of their layers."""
    derived = antcost.torch_module(antcost.build_graph(antcost.load("mobilenet_v2"))).eval()
    by_hand = mobilenet_v2()
    by_hand.load_state_dict(
        dict(zip(by_hand.state_dict(), derived.state_dict().values(), strict=True))
    )
    image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(derived(image), by_hand(image))


def test_every_activation_is_there() -> None:
    for kind in ACTIVATIONS:
        stage = {"block": "conv", "kernel": 1, "channels": 4, "norm": False, "activation": kind}
        same_as_graph(antcost.analyze(network(stage)))


@pytest.mark.parametrize("block", ["conv", "maxpool", "avgpool"])
@pytest.mark.parametrize("kernel", [2, [4, 3], 5])
def test_even_kernels_with_same_padding(block: str, kernel: Any) -> None:
    stage = {"block": block, "kernel": kernel, "stride": 2, "padding": "same"}
    stage |= {"channels": 4, "dilation": 3} if block == "conv" else {}
    same_as_graph(antcost.analyze(network(stage, input_shape=(3, 9, 8))))


@pytest.mark.parametrize("kernel", [2, 3, 4, [1, 2]])
@pytest.mark.parametrize("stride", [1, 2])
def test_the_mean_of_ones_is_one_with_any_padding(kernel: Any, stride: int) -> None:
    stage = {"block": "avgpool", "kernel": kernel, "stride": stride, "padding": "same"}
    graph = antcost.build_graph(antcost.load(network(stage, input_shape=(1, 5, 5))))
    torch.testing.assert_close(
        antcost.torch_module(graph)(torch.ones(1, 1, 5, 5)), torch.ones(1, *graph.output.dims)
    )


@pytest.mark.parametrize("size", [6, 7, 8, 9])
@pytest.mark.parametrize("padding", ["valid", 1, [0, 1]])
def test_max_pools_that_round_up(padding: Any, size: int) -> None:
    stage = {"block": "maxpool", "kernel": [2, 3], "stride": [4, 2], "padding": padding}
    same_as_graph(antcost.analyze(network(stage | {"ceil": True}, input_shape=(2, size, size))))


@pytest.mark.parametrize("name", ["train", "forward", "class", "training", "graph", "_modules"])
def test_names_that_torch_has_taken_are_refused(name: str) -> None:
    spec = network({"name": name, "block": "conv", "kernel": 1, "channels": 4})
    graph = antcost.build_graph(antcost.load(spec))
    with pytest.raises(antcost.AntcostError, match=f"stage '{name}': a torch module cannot"):
        antcost.torch_module(graph)


def test_max_pooling_never_returns_its_padding() -> None:
    stage = {"block": "maxpool", "kernel": 2, "stride": 1}
    graph = antcost.build_graph(antcost.load(network(stage, input_shape=(1, 3, 3))))
    assert (antcost.torch_module(graph)(-torch.ones(1, 1, 3, 3)) == -1).all()


def test_shuffled_and_selected_channels_are_those_of_the_index() -> None:
    stages = [
        {"block": "condense", "growth": 8, "groups": 4, "condensation": 2},
        {"block": "select", "condensation": 2},
    ]
    graph = antcost.build_graph(antcost.load(network(*stages, input_shape=(8, 4, 4))))
    module = antcost.torch_module(graph).eval()
    state = module.state_dict()
    assert state["s0.select.index"].bincount(minlength=8).tolist() == [2] * 8
    assert len(state["s1.select.index"].unique()) == 8
    image = torch.randn(2, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    module.load_state_dict(state | {"s1.select.index": torch.arange(8)})
    assert torch.equal(module(image), image)
    channels = torch.arange(8.0).reshape(1, 8, 1, 1)
    shuffled = module.get_submodule("s0.shuffle")(channels)
    assert shuffled.flatten().tolist() == [0, 2, 4, 6, 1, 3, 5, 7]
    for other in (
        torch.export.export(module, (image,)).module(),
        torch.compile(module, backend="eager", fullgraph=True),
    ):
        assert torch.equal(other(image), image)


def test_it_trains_and_moves_the_weights_of_the_branches() -> None:
    graph = antcost.build_graph(antcost.load("cifar100/e_antnet", ["width=0.25", "classes=4"]))
    module = antcost.torch_module(graph, seed=0)
    generator = torch.Generator().manual_seed(0)
    images, labels = torch.randn(8, 3, 32, 32, generator=generator), torch.arange(8) % 4
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(module(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 4
    shares = module.get_submodule("ant2.1.weighted_sum").weight
    assert not torch.equal(shares, torch.zeros(2))
    assert all(parameter.grad is not None for parameter in module.parameters())


def test_train_and_eval_differ_where_they_should() -> None:
    stages = [
        {"block": "conv", "kernel": 3, "channels": 8},
        {"block": "linear", "channels": 4, "dropout": 0.5},
    ]
    module = antcost.torch_module(antcost.build_graph(antcost.load(network(*stages))))
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert not torch.equal(module(images), module(images))
    module.eval()
    assert torch.equal(module(images), module(images))


def test_torch_compile_takes_it_whole() -> None:
    graph = antcost.build_graph(antcost.load("cifar100/e_antnet", ["width=0.25"]))
    module = antcost.torch_module(graph).eval()
    image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    compiled = torch.compile(module, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(image), module(image))


def test_torch_export_takes_it() -> None:
    graph = antcost.build_graph(antcost.load("cifar100/antnet_g2", ["width=0.25"]))
    module = antcost.torch_module(graph).eval()
    image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    exported = torch.export.export(module, (image,)).module()
    torch.testing.assert_close(exported(image), module(image))


@pytest.mark.parametrize("stage", [{"block": "igc", "groups": [8, 4]}, {"block": "clc"}])
def test_every_output_of_interleaved_groups_depends_on_every_input(stage: dict[str, Any]) -> None:
    """The complementary condition of IGC, and the full dependency of a CLC block."""
    stage = {"channels": 32, "groups": [16, 2], **stage}
    graph = antcost.build_graph(antcost.load(network(stage, input_shape=(32, 3, 3))))
    module = antcost.torch_module(graph).eval()
    for parameter in module.parameters():
        nn.init.ones_(parameter)
    closed = module(torch.zeros(1, 32, 3, 3))
    for channel in range(32):
        image = torch.zeros(1, 32, 3, 3)
        image[0, channel] = 1
        assert (module(image) > closed).all()


def test_a_closed_gate_carries_the_input() -> None:
    graph = antcost.build_graph(antcost.load(network({"block": "highway"}, input_shape=(4, 5, 5))))
    module = antcost.torch_module(graph).eval()
    image = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    gate = module.get_submodule("s0.gate.conv")
    nn.init.constant_(gate.bias, -1e4)
    assert torch.equal(module(image), image)
    nn.init.constant_(gate.bias, 1e4)
    transformed = torch.relu(module.get_submodule("s0.transform.conv")(image))
    assert torch.equal(module(image), transformed)
