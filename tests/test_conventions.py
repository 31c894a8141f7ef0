"""What other tools and papers count: by arithmetic, and against the tools themselves."""

import json
from collections.abc import Callable
from typing import Any, get_args

import pytest
from conftest import network
from hypothesis import HealthCheck, given, settings
from test_fuzz import counted, valid_specs
from typer.testing import Result

import antcost
from antcost.check.comparison import compare
from antcost.check.isolation import Job, answer
from antcost.check.tools import TOOLS
from antcost.cost.analysis import NetCost
from antcost.cost.convention import CONVENTIONS
from antcost.graph.layers import ActivationKind
from antcost.sources.specs.catalog import shipped_names

MOBILENET_V2 = {
    "madds": 300_774_272,
    "flops": 601_548_544,
    "fvcore": 314_193_216,
    "thop": 327_550_720,
    "thop_0.0.31": 314_194_496,  # measured once; it does not import on Python 3.10 and later
    "ptflops": 320_362_728,
    "ptflops_aten": 300_775_272,
    "ptflops_0.7.4": 320_362_728,
    "torchinfo": 300_809_384,
    "calflops": 300_774_272,
    "torchprofile": 307_453_664,
    "bn_folded": 300_774_272,
    "no_bn": 300_774_272,
    "fc_bias": 300_775_272,
    "squeezenext": 300_774_272 + 6_678_112,
    "condensenet": 300_774_272 + 62_720 + 1_000,
}


def test_mobilenet_v2_in_every_convention() -> None:
    cost = antcost.analyze("mobilenet_v2").whole.cost
    assert {name: c.count(cost) for name, c in CONVENTIONS.items()} == MOBILENET_V2


STAGES = (
    {
        "block": "conv",
        "kernel": 3,
        "channels": 8,
        "bias": True,
        "norm": False,
        "activation": "relu",
    },
    {"block": "maxpool", "kernel": 2, "stride": 2},
    {"block": "avgpool", "kernel": 2, "stride": 2},
    {"block": "avgpool"},
    {"block": "linear", "channels": 10, "activation": "relu"},
)
MACS = 27 * 8 * 32 * 32 + 8 * 10
MAP, HALF, QUARTER = 8 * 32 * 32, 8 * 16 * 16, 8 * 8 * 8


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fvcore", MACS + QUARTER),
        ("thop", MACS + QUARTER + QUARTER + 8),
        ("thop_0.0.31", MACS + MAP + QUARTER + QUARTER + 8),
        ("ptflops", MACS + MAP + 10 + 2 * (MAP + 10) + 2 * (MAP + HALF + QUARTER)),
        ("ptflops_aten", MACS + MAP + 10),
        ("torchinfo", MACS + MAP + 10),
        ("fc_bias", MACS + 10),
        ("squeezenext", MACS + MAP),
        ("condensenet", MACS + MAP + 10 + 4 * QUARTER + QUARTER + 10),
    ],
)
def test_a_convention_by_hand(name: str, expected: int) -> None:
    cost = antcost.analyze(network(*STAGES)).whole.cost
    assert CONVENTIONS[name].count(cost) == expected


def test_terms_name_counts_that_exist_and_start_with_the_multiply_adds() -> None:
    cost = antcost.analyze("mobilenet_v2").whole.cost
    for convention in CONVENTIONS.values():
        assert convention.terms[0].counts == ("conv_macs", "linear_macs")
        assert sum(term.count(cost) for term in convention.terms) == convention.count(cost)


def test_the_command_lists_them(run: Callable[..., Result]) -> None:
    text = run("conventions").stdout
    assert all(name in text for name in CONVENTIONS)
    data = json.loads(run("conventions", "--format", "json").stdout)
    assert [row["name"] for row in data["conventions"]] == list(CONVENTIONS)
    assert all(row["definition"] and row["source"] for row in data["conventions"])


@pytest.mark.parametrize("name", CONVENTIONS)
def test_every_convention_works_with_count(run: Callable[..., Result], name: str) -> None:
    for command in (("table", "mobilenet_v2"), ("compare", "mobilenet_v2")):
        text = run(*command, "--count", name, "--exact").stdout
        assert f"{MOBILENET_V2[name]:,}" in text
        assert f"{CONVENTIONS[name].label}: {CONVENTIONS[name].definition}." in text
    diff = ("diff", "mobilenet_v2", "mobilenet_v2_1.4", "--count", name, "--format", "json")
    totals = json.loads(run(*diff).stdout)["total"]
    assert totals["a"][name] == MOBILENET_V2[name]


def test_parameters_are_counted_by_the_convention_too() -> None:
    cost = antcost.analyze("mobilenet_v2").whole.cost
    params = {name: c.count_params(cost) for name, c in CONVENTIONS.items()}
    channels = 34_112 // 2
    assert params.pop("bn_folded") == 3_504_872 - channels
    assert params.pop("no_bn") == 3_504_872 - 2 * channels
    assert set(params.values()) == {3_504_872}
    branches = antcost.analyze("cifar100/e_antnet")
    known = branches.params - branches.whole.cost.branch_weights
    assert CONVENTIONS["thop"].count_params(branches.whole.cost) == known < branches.params


def test_what_is_folded_depends_on_the_layer_before() -> None:
    conv = {"block": "conv", "kernel": 1, "channels": 8, "activation": None}
    cost = antcost.analyze(network(conv, conv | {"bias": True}))
    folded = CONVENTIONS["bn_folded"].count_params
    assert [folded(row.cost) for row in cost.layers] == [24, 8, 64 + 8, 0]


def test_parameters_of_a_convention_are_shown(run: Callable[..., Result]) -> None:
    command = ("mobilenet_v2", "--count", "bn_folded", "--exact")
    assert "params (bn_folded)" in (text := run("table", *command).stdout)
    assert "3,487,816" in text
    assert "3,504,872" not in text
    assert "3,487,816" in run("compare", *command).stdout
    total = json.loads(run("table", *command, "--format", "json").stdout)["total"]
    assert (total["params"], total["bn_folded_params"]) == (3_504_872, 3_487_816)
    assert "3,487,816" in run("diff", "antnet_g1", *command).stdout


def same_as_tools(cost: NetCost) -> None:
    """Every tool's count and parameters, of the network and of each layer, are as predicted.

    calflops is asked in tests/test_check.py: it patches torch for whatever comes after it.
    """
    pytest.importorskip("fvcore", reason="needs the check extra")
    for tool in TOOLS.values():
        if tool.name == "calflops":
            continue
        check = compare(cost, tool, answer(Job(tool.name, cost.graph)))
        assert not check.problem
        assert check.known
        assert check.whole.agrees, (tool.name, check.whole)
        assert [line for line in check.layers if not line.agrees] == []


@pytest.mark.torch
@pytest.mark.parametrize("name", shipped_names())
def test_shipped_networks_agree_with_every_tool(name: str) -> None:
    same_as_tools(antcost.analyze(name))


@pytest.mark.torch
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(valid_specs())
def test_random_networks_agree_with_every_tool(spec: dict[str, Any]) -> None:
    same_as_tools(counted(spec))


@pytest.mark.torch
def test_every_activation_agrees_with_every_tool_in_every_layer() -> None:
    conv = {"block": "conv", "kernel": 1, "channels": 8, "norm": False}
    same_as_tools(
        antcost.analyze(network(*(conv | {"activation": a} for a in get_args(ActivationKind))))
    )
