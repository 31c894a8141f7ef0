"""Liveness, by hand on small graphs."""

import pytest
from conftest import network

import antcost
from antcost.cost.counts import Cost
from antcost.cost.memory import (
    activation_elems,
    arithmetic_intensity,
    live_elems,
    param_bytes,
    peak_bytes,
    timeline,
    traffic_bytes,
)
from antcost.graph.shape import Shape
from antcost.graph.tape import Tape
from antcost.tables.formats import render
from antcost.views.memory import peak_table

CONV = {"block": "conv", "kernel": 1, "channels": 4, "norm": False, "activation": None}


def graph(*stages: dict, input_shape: tuple[int, ...] = (3, 10, 10)) -> antcost.build_graph:
    return antcost.build_graph(antcost.load(network(*stages, input_shape=input_shape)))


def test_a_chain_holds_one_input_and_one_output() -> None:
    assert live_elems(graph(CONV, CONV | {"channels": 8})) == [300 + 400, 400 + 800]


def test_a_residual_keeps_its_source_alive() -> None:
    block = {"block": "inverted_residual", "expansion": 2, "channels": 3}
    x, hidden = 300, 600
    assert live_elems(graph(block)) == [
        x + hidden,  # expand: conv, then batch norm and activation out of place
        x + 2 * hidden,
        x + 2 * hidden,
        x + 2 * hidden,  # depthwise
        x + 2 * hidden,
        x + 2 * hidden,
        x + hidden + x,  # project
        x + x + x,
        x + x + x,  # add reads the source and the branch
    ]


def test_inplace_reuses_the_input_of_activations_and_additions_only() -> None:
    block = {"block": "inverted_residual", "expansion": 2, "channels": 3}
    x, hidden = 300, 600
    assert live_elems(graph(block), inplace=True) == [
        x + hidden,
        x + 2 * hidden,  # batch norm still makes a new tensor
        x + hidden,
        x + 2 * hidden,
        x + 2 * hidden,
        x + hidden,
        x + hidden + x,
        x + x + x,
        x + x,
    ]


def test_inplace_does_not_write_over_what_is_read_later() -> None:
    """The squeeze reads the activation, the multiplication reads it again."""
    block = {"block": "ant", "expansion": 1, "reduction": 1, "channels": 3, "kernel": 1}
    nodes = graph(block)
    timeline = dict(
        zip([n.name for n in nodes.nodes], live_elems(nodes, inplace=True), strict=True)
    )
    assert timeline["s0.attention.pool"] == 300 + 300 + 3
    assert timeline["s0.attention.sigmoid"] == 300 + 300 + 3
    assert timeline["s0.attention.multiply"] == 300 + 300 + 3 + 300


def test_flatten_and_dropout_pass_their_input_on() -> None:
    linear = {"block": "linear", "channels": 5, "dropout": 0.5}
    assert live_elems(graph(linear)) == [300, 300, 300 + 5]


def test_slices_share_the_memory_of_their_source() -> None:
    net = Tape(Shape((4, 10, 10)))
    half = net.slice_channels(net.input, 2, 2)
    nodes = net.graph("net", net.conv(half, 3))
    assert live_elems(nodes) == [400, 400 + 300]


def test_a_tensor_nobody_reads_is_dropped_and_the_output_is_kept() -> None:
    """As an auxiliary head beside the network: its result is dropped, that of the network kept."""
    net = Tape(Shape((3, 10, 10)))
    x = net.conv(net.input, 4, name="trunk")
    net.conv(x, 5, name="unread")
    output = net.conv(x, 6, name="head")
    net.conv(x, 7, name="aside")
    nodes = net.graph("net", output)
    assert nodes.output.dims == (6, 10, 10)
    assert live_elems(nodes) == [300 + 400, 400 + 500, 400 + 600, 400 + 600 + 700]


def test_an_activation_beside_its_input_is_no_place_of_it() -> None:
    net = Tape(Shape((3, 10, 10)))
    x = net.conv(net.input, 4, name="x")
    both = net.add(x, net.activation(x, "relu"))
    assert live_elems(net.graph("net", both), inplace=True) == [300 + 400, 400 + 400, 400 + 400]


def test_inplace_takes_the_place_of_an_input_that_is_not_read_again() -> None:
    net = Tape(Shape((3, 10, 10)))
    small = net.global_avg_pool(net.input, name="small")
    scaled = net.multiply(net.input, small, name="scaled")
    nodes = net.graph("net", net.activation(scaled, "relu"))
    assert live_elems(nodes, inplace=True) == [303, 603, 300]


def test_peak_scales_with_type_and_batch() -> None:
    nodes = graph(CONV)
    assert peak_bytes(nodes) == (300 + 400) * 4
    assert peak_bytes(nodes, "fp16") == (300 + 400) * 2
    assert peak_bytes(nodes, "int8", batch=8) == (300 + 400) * 8


def test_elements_bytes_traffic_and_intensity() -> None:
    cost = antcost.analyze(graph(CONV | {"bias": True}, {"block": "avgpool"}))
    assert activation_elems(cost.graph.nodes) == 400 + 4
    assert param_bytes(cost.whole.cost, "fp16") == 2 * (3 * 4 + 4)
    assert param_bytes(Cost(weights=1, biases=2, norm_params=4, branch_weights=8)) == 4 * 15
    assert traffic_bytes(cost.whole) == 4 * ((300 + 16 + 400) + (400 + 4))
    assert arithmetic_intensity(cost.layers[0]) * 4 * (300 + 16 + 400) == 2 * 3 * 4 * 100


def test_the_peak_of_a_large_network_is_where_it_is_widest() -> None:
    """MobileNetV2 at 224: block2.0 normalises 96 x 112 x 112 beside its input of the same size."""
    assert peak_bytes(antcost.analyze("mobilenet_v2").graph) == 4 * 2 * 96 * 112 * 112


def test_every_step_names_what_is_alive() -> None:
    block = {"block": "inverted_residual", "expansion": 2, "channels": 3}
    steps = {step.node.name: step for step in timeline(graph(block))}
    first, last = steps["s0.expand.conv"], steps["s0.add"]
    assert first.alive == {"input": 300, "s0.expand.conv": 600}
    assert steps["s0.depthwise.conv"].alive == {
        "input": 300, "s0.expand.act": 600, "s0.depthwise.conv": 600,
    }  # fmt: skip
    assert steps["s0.depthwise.conv"].used == {"s0.expand.act", "s0.depthwise.conv"}
    assert last.alive == {"input": 300, "s0.project.bn": 300, "s0.add": 300}
    assert last.used == last.alive.keys()


def test_what_is_written_over_keeps_its_name() -> None:
    block = {"block": "inverted_residual", "expansion": 2, "channels": 3}
    steps = {step.node.name: step for step in timeline(graph(block), inplace=True)}
    act, add = steps["s0.expand.act"], steps["s0.add"]
    assert act.alive == {"input": 300, "s0.expand.bn": 600}
    assert act.used == {"s0.expand.bn"}
    assert steps["s0.depthwise.conv"].alive == {
        "input": 300, "s0.expand.act": 600, "s0.depthwise.conv": 600,
    }  # fmt: skip
    assert add.alive == {"input": 300, "s0.project.bn": 300}


def test_slices_are_alive_as_their_source() -> None:
    net = Tape(Shape((4, 10, 10)))
    half = net.slice_channels(net.input, 2, 2, name="half")
    steps = timeline(net.graph("net", net.conv(half, 3, name="conv")))
    assert [dict(step.alive) for step in steps] == [{"input": 400}, {"input": 400, "conv": 300}]
    assert [step.used for step in steps] == [{"input"}, {"input", "conv"}]


@pytest.mark.parametrize("name", ["nasnet_a_mobile", "densenet_121", "e_antnet", "shufflenet_2x"])
@pytest.mark.parametrize("inplace", [False, True])
def test_the_table_of_the_peak_adds_up(name: str, inplace: bool) -> None:
    cost = antcost.analyze(name)
    table = peak_table(cost, inplace=inplace)
    assert sum(held.bytes for held in table.items) == peak_bytes(cost.graph, inplace=inplace)
    for held in table.items:
        assert held.shape is not None
        assert held.bytes == 4 * held.shape.numel
    assert table.total is not None
    assert table.total.bytes == table.plain()["total"]["memory"]


def test_the_table_of_the_peak_says_why() -> None:
    text = render(peak_table(antcost.analyze("mobilenet_v2")), "text", exact=True)
    assert text.splitlines()[0] == "MobileNetV2: what is alive at the peak of memory"
    assert "producer              operator        shape       last use" in text
    assert (
        "block2.0.expand.bn    batch norm      96x112x112  block2.0.expand.act  4,816,896 B" in text
    )
    assert "While block2.0.expand.bn runs." in text
    assert "The same amount is alive at block2.0.expand.act." in text
    inplace = render(peak_table(antcost.analyze("mobilenet_v2"), inplace=True), "text")
    assert "The same amount" not in inplace
    assert "Memory: fp32, one image, in place." in inplace


def test_the_table_of_the_peak_keeps_the_source_of_a_residual() -> None:
    block = {"block": "inverted_residual", "expansion": 2, "channels": 3}
    table = peak_table(antcost.analyze(network(block, input_shape=(3, 10, 10))))
    rows = {held.name: (held.operator, held.until, held.bytes) for held in table.items}
    assert rows == {
        "input": (None, "s0.add", 4 * 300),
        "s0.expand.conv": ("pointwise conv", "s0.expand.bn", 4 * 600),
        "s0.expand.bn": ("batch norm", "s0.expand.act", 4 * 600),
    }
    assert table.notes[1] == (
        "The same amount is alive at s0.expand.act, s0.depthwise.conv, s0.depthwise.bn and 1 more."
    )
    four = peak_table(antcost.analyze(network(*[CONV | {"channels": 3}] * 4)))
    assert four.notes[1] == "The same amount is alive at s1.conv, s2.conv, s3.conv."
