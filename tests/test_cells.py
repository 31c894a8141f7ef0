"""Cells of architecture search: which inputs they read, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import network

import antcost
from antcost.cost.analysis import NetCost
from antcost.errors import AntcostError, SpecError
from antcost.graph.layers import Conv2d, Shift

IDENTITY = {"sums": [[["id", 0], ["id", 1]]], "output": [2]}


def conv(channels: int, stride: int = 1) -> dict[str, Any]:
    return {"block": "conv", "kernel": 1, "channels": channels, "stride": stride}


def cell(block: str = "nasnet_cell", channels: int = 8, **fields: Any) -> dict[str, Any]:
    return {"block": block, "channels": channels, "cell": IDENTITY, **fields}


def inputs(cost: NetCost, layer: str) -> tuple[str, ...]:
    return next(node.inputs for node in cost.graph.nodes if node.name == layer)


def names(cost: NetCost, stage: str) -> set[str]:
    """Names of a stage's convolutions."""
    convs = (node.name for node in cost.graph.nodes if isinstance(node.layer, Conv2d))
    return {name.removeprefix(f"{stage}.") for name in convs if name.startswith(f"{stage}.")}


def test_a_cell_reads_the_outputs_of_two_blocks() -> None:
    cost = antcost.analyze(network(conv(4), conv(6), cell(repeat=3), cell("darts_cell")))
    assert inputs(cost, "s2.0.state0.act") == ("s1.act",)
    assert inputs(cost, "s2.0.state1.act") == ("s0.act",)
    assert inputs(cost, "s2.1.state1.act") == ("s1.act",)
    # Inputs that have the channels of a NASNet cell are read as they are; DARTS' always by a layer.
    assert inputs(cost, "s2.2.state2.add") == ("s2.2.state0.bn", "s2.0.concat")
    assert inputs(cost, "s3.state0.act") == ("s2.1.concat",)
    assert inputs(cost, "s3.state1.act") == ("s2.2.concat",)


def test_the_first_cell_of_a_network_reads_its_only_input_twice() -> None:
    cost = antcost.analyze(network(conv(4), cell()))
    assert inputs(cost, "s1.state2.right.project.act") == ("s0.act",)
    (layer,) = (n for n in cost.graph.nodes if n.name == "s1.state2.right.project.conv")
    assert (layer.input_shapes[0].c, layer.shape.c) == (4, 8)
    with pytest.raises(SpecError, match="a darts_cell reads the outputs of two blocks"):
        antcost.analyze(network(conv(4), cell("darts_cell")))


def test_heads_have_cells_of_their_own() -> None:
    spec = network(conv(4), conv(6), conv(10), cell())
    spec["auxiliary"] = [{"after": "s1", "stages": [{"name": "a", **cell()}]}]
    cost = antcost.analyze(spec, training=True)
    assert inputs(cost, "training:a.state0.act") == ("s1.act",)
    assert inputs(cost, "training:a.state1.act") == ("s0.act",)


@pytest.mark.parametrize(
    ("block", "reduced"), [("nasnet_cell", "state1"), ("darts_cell", "state0")]
)
def test_an_input_of_another_size_is_reduced_in_halves(block: str, reduced: str) -> None:
    cost = antcost.analyze(network(conv(4), conv(6, stride=2), cell(block, channels=7)))
    halves = {node.name: node.shape for node in cost.graph.nodes if f".{reduced}." in node.name}
    assert halves[f"s2.{reduced}.left"].dims == (3, 16, 16)
    assert halves[f"s2.{reduced}.right"].dims == (4, 16, 16)
    assert halves[f"s2.{reduced}.shift"].dims == (4, 32, 32)
    assert sum(isinstance(node.layer, Shift) for node in cost.graph.nodes) == 1


OPERATIONS = {
    # parameters of the convolutions and of batch norm, from 8 channels to 8, at stride 1 and 2
    "sep3": [2 * (9 * 8 + 64 + 16)] * 2,
    "sep5": [2 * (25 * 8 + 64 + 16)] * 2,
    "sep7": [2 * (49 * 8 + 64 + 16)] * 2,
    "dil3": [9 * 8 + 64 + 16] * 2,
    "dil5": [25 * 8 + 64 + 16] * 2,
    "c1x7": [8 * 2 + 7 * 2 * 2 + 7 * 2 * 2 + 2 * 8 + 2 * (2 + 2 + 2 + 8)] * 2,
    "avg3": [0, 0],
    "max3": [0, 0],
    "id": [0, 64 + 16],
    "skip": [0, 64 + 16],
}


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations(operation: str, stride: int) -> None:
    genotype = {"sums": [[[operation, 0], ["avg3", 0]]], "output": [2]}
    cost = antcost.analyze(
        network(conv(8), cell(stride=stride, cell=genotype), input_shape=(3, 9, 9))
    )
    left = [row for row in cost.layers if ".left." in row.name]
    assert sum(row.params for row in left) == OPERATIONS[operation][stride - 1]
    assert cost.graph.output.dims == ((8, 9, 9) if stride == 1 else (8, 5, 5))


def test_only_operations_on_the_inputs_stride() -> None:
    sums = [[["sep3", 0], ["sep3", 1]], [["max3", 2], ["avg3", 2]]]
    genotype = {"sums": sums, "output": [2, 3]}
    cost = antcost.analyze(network(conv(8), cell(stride=2, cell=genotype)))
    assert cost.graph.output.dims == (16, 16, 16)


@pytest.mark.parametrize(
    ("genotype", "message"),
    [
        ("{sums: [[[sep3, 0], [id, 2]]], output: [2]}",
         "cell: expected states from 0 to 1 where it reads 2, got {"),
        ("{sums: [[[sep3, 0], [id, -1]]], output: [2]}",
         "cell: expected states from 0 to 1 where it reads -1, got {"),
        ("{sums: [[[sep3, 0], [id, 1]]], output: [3]}",
         "cell: expected states from 0 to 2 where it reads 3, got {"),
        ("{sums: [[[sep4, 0], [id, 1]]], output: [2]}",
         "cell.sums[0][0]: expected [operation, state] with one of sep3, sep5, sep7, dil3, dil5, "
         "c1x7, avg3, max3, id, skip, got ['sep4', 0]"),
        ("{sums: [[[sep3], [id, yes]]], output: [2]}", "cell.sums[0][1]: expected [operation"),
        ("{sums: [[[sep3, 0]]], output: [2]}", "cell.sums[0]: expected at least 2 of them"),
        ("{sums: [], output: [0]}", "cell.sums: expected at least 1 of them, got []"),
        ("{sums: [[[sep3, 0], [id, 1]]], output: []}", "cell.output: expected at least 1 of them"),
        ("{sums: [[[sep3, 0], [id, 1]]], output: [two]}", "cell.output[0]: expected an integer"),
        ("{sums: [[[sep3, 0], [id, 1]]], outputs: [2]}", "cell.outputs: unknown field; "
         "did you mean 'output'?"),
        ("{sums: [[[sep3, 0], [id, 1]]]}", "cell.output: missing; needed are sums, output"),
        ("normal", "cell: expected fields, got 'normal'"),
    ],
)  # fmt: skip
def test_wrong_cells(write_spec: Callable[..., Path], genotype: str, message: str) -> None:
    rows = ["{name: a, block: conv, kernel: 1, channels: 8}"]
    rows += [f"{{name: b, block: nasnet_cell, channels: 8, cell: {genotype}}}"]
    stages = "".join(f"  - {row}\n" for row in rows)
    path = write_spec(f"name: n\ninput: [3, 9, 9]\nclasses: 2\nstages:\n{stages}")
    with pytest.raises(SpecError) as caught:
        antcost.load(path)
    assert f"net.yaml:6: stages[1].{message}" in str(caught.value)


@pytest.mark.parametrize(("operation", "least"), [("skip", 2), ("c1x7", 4)])
def test_too_few_channels_to_split(operation: str, least: int) -> None:
    genotype = {"sums": [[[operation, 0], ["avg3", 0]]], "output": [2]}
    with pytest.raises(AntcostError, match=f"expected at least {least}, got 1"):
        antcost.analyze(network(conv(8), cell(channels=1, stride=2, cell=genotype)))


@pytest.mark.torch
def test_the_second_half_of_a_reduction_reads_one_pixel_further() -> None:
    torch = pytest.importorskip("torch", reason="needs the check extra")
    spec = network(conv(4), conv(6, stride=2), cell("darts_cell"))
    module = antcost.torch_module(antcost.build_graph(antcost.load(spec)))
    x = torch.arange(9.0).reshape(1, 1, 3, 3)
    shifted = module.get_submodule("s2.state0.shift")(x)
    assert shifted.tolist() == [[[[4, 5, 0], [7, 8, 0], [0, 0, 0]]]]
