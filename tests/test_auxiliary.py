"""Auxiliary heads: parts of a network that only training has."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import network
from typer.testing import Result

import antcost
from antcost.errors import SpecError
from antcost.sources.specs.schema import json_schema

Run = Callable[..., Result]
Write = Callable[..., Path]

SPEC = """\
name: net
input: [3, 32, 32]
classes: 10
stages:
  - {name: a, block: conv, kernel: 3, channels: 8, stride: 2}
  - {name: b, block: conv, kernel: 3, channels: 16, stride: 2}
  - {name: c, block: linear, channels: classes}
auxiliary:
  - after: a
    stages:
      - {name: d, block: conv, kernel: 1, channels: 4, repeat: 2}
      - {name: e, block: linear, channels: classes}
"""
PARAMS = (8 * 4 + 8) + (4 * 4 + 8) + (4 * 16 * 16 * 10 + 10)
MADDS = (8 * 4 + 4 * 4) * 16 * 16 + 4 * 16 * 16 * 10


def test_heads_are_counted_for_training_only(write_spec: Write) -> None:
    path = write_spec(SPEC)
    plain, trained = antcost.analyze(path), antcost.analyze(path, training=True)
    assert trained.params - plain.params == PARAMS
    assert trained.madds - plain.madds == MADDS
    assert trained.layers[: len(plain.layers)] == plain.layers
    assert trained.graph.output_name == plain.graph.output_name == "c.linear"
    assert (plain.auxiliary.nodes, trained.auxiliary.madds) == ((), MADDS)


def test_heads_read_the_stage_they_name_and_are_stages_of_their_own(write_spec: Write) -> None:
    cost = antcost.analyze(write_spec(SPEC), training=True)
    rows = cost.by("stage")
    assert [row.name for row in rows] == ["a", "b", "c", "training:d", "training:e"]
    assert [str(row.input) for row in rows[3:]] == ["8x16x16", "4x16x16"]
    assert [row.name for row in cost.by("block")][3:5] == ["training:d.0", "training:d.1"]
    assert all(row.nodes[0].origin.training == row.name.startswith("training:") for row in rows)


def test_table_compare_and_diff_show_them_when_asked(run: Run, write_spec: Write) -> None:
    path = str(write_spec(SPEC))
    note = f"In training only, the auxiliary heads of net: {PARAMS:,} params, {MADDS:,} MAdds."
    for command in (("table", path), ("compare", path), ("diff", path, path)):
        assert "raining" not in run(*command).stdout
        assert note in run(*command, "--training").stdout
    table = json.loads(run("table", path, "--training", "--format", "json").stdout)
    assert sum(row["madds"] for row in table["rows"]) == table["total"]["madds"]
    assert table["rows"][-1]["name"] == "training:e.linear"
    plain = json.loads(run("compare", path, "--format", "json").stdout)["networks"][0]["total"]
    assert table["total"]["madds"] - plain["madds"] == MADDS


def test_a_network_without_heads_is_the_same_in_training(run: Run) -> None:
    assert run("table", "antnet_g2", "--training").stdout == run("table", "antnet_g2").stdout


def test_heads_are_inherited_until_a_spec_gives_its_own(write_spec: Write) -> None:
    write_spec(SPEC, "base.yaml")
    child = "extends: base.yaml\nname: child\n"
    inherited = antcost.analyze(write_spec(f"{child}width: 2\n"), training=True)
    assert inherited.by("stage")[3].output.c == 8
    assert antcost.load(write_spec(f"{child}auxiliary: []\n")).auxiliary == ()


def test_a_graph_is_with_or_without_heads_already(write_spec: Write) -> None:
    graph = antcost.build_graph(antcost.load(write_spec(SPEC)))
    with pytest.raises(TypeError, match="still to be built"):
        antcost.analyze(graph, training=True)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("after: a", "after: x",
         "net.yaml:9: auxiliary[0].after: no stage is called 'x'; expected one of a, b, c"),
        ("after: a", "after: d",
         "net.yaml:9: auxiliary[0].after: no stage is called 'd'; expected one of a, b, c"),
        ("after: a", "afer: a",
         "net.yaml:9: auxiliary[0].after: missing; needed are after, stages\n"
         "net.yaml:9: auxiliary[0].afer: unknown field; did you mean 'after'?"),
        ("name: d,", "name: b,",
         "net.yaml:11: auxiliary[0].stages[0].name: 'b' is also the name of stages[1]; "
         "names must differ"),
        ("name: e,", "name: d,",
         "net.yaml:12: auxiliary[0].stages[1].name: 'd' is also the name of "
         "auxiliary[0].stages[0]; names must differ"),
        ("channels: 4,", "chanels: 4,",
         "net.yaml:11: auxiliary[0].stages[0].channels: missing; needed are name, block, kernel, "
         "channels\n"
         "net.yaml:11: auxiliary[0].stages[0].chanels: unknown field; did you mean 'channels'?"),
        ("block: conv, kernel: 1", "block: cov",
         "net.yaml:11: auxiliary[0].stages[0].block: unknown block 'cov'; did you mean 'conv'?"),
        ("channels: 4,", "channels: 4, groups: 3,",
         "net.yaml:11: auxiliary[0].stages[0].groups: training:d.0.conv: groups=3 does not divide "
         "8 -> 4 channels; use a divisor of 4"),
    ],
)  # fmt: skip
def test_mistakes(write_spec: Write, old: str, new: str, expected: str) -> None:
    path = write_spec(SPEC.replace(old, new))
    with pytest.raises(SpecError) as caught:
        antcost.analyze(path, training=True)
    assert str(caught.value).replace(f"{path.parent}/", "") == expected


@pytest.mark.parametrize("heads", [7, [7], [{"after": "s0"}], [{"after": "s0", "stages": []}]])
def test_other_things_than_heads_are_refused(heads: Any) -> None:
    with pytest.raises(SpecError, match="auxiliary"):
        antcost.load({**network({"block": "avgpool"}), "auxiliary": heads})


def test_the_schema_knows_heads() -> None:

    validator = jsonschema.Draft202012Validator(json_schema())
    spec = json.loads(json.dumps(network({"block": "avgpool"})))
    head = {"after": "s0", "stages": [{"name": "x", "block": "avgpool"}]}
    assert validator.is_valid({**spec, "auxiliary": [head]})
    for wrong in ({"after": "s0"}, head | {"stages": [{"name": "x", "block": "avgpol"}]}):
        assert not validator.is_valid({**spec, "auxiliary": [wrong]})
