"""The architecture table of a report against the paper's own Table 2, and its costs."""

from typing import Any

import pytest
from conftest import network

import antcost
from antcost.cost.convention import CONVENTIONS
from antcost.sources.specs.catalog import shipped_names
from antcost.tables.formats import render
from antcost.views.architecture import architecture_table

MADDS = CONVENTIONS["madds"]


def rows(name: str) -> list[dict[str, Any]]:
    """The cells of each stage, by the headers of their columns; the total last."""
    spec = antcost.load(name)
    table = architecture_table(spec, antcost.analyze(spec), MADDS)
    headers = [column.header for column in table.columns]
    return [dict(zip(headers, row, strict=True)) for row in table.cells(exact=True)]


def test_antnet_is_the_table_of_the_paper() -> None:
    """ANTNets (arXiv 1904.03775), Table 2."""
    letters = [[row[letter] for letter in "trcns"] for row in rows("antnet_g1")]
    assert letters == [
        ["", "", "32", "1", "2"],
        ["1", "8", "16", "1", "1"],
        ["6", "8", "24", "2", "2"],
        ["6", "12", "32", "3", "2"],
        ["6", "16", "64", "4", "2"],
        ["6", "24", "96", "3", "1"],
        ["6", "32", "160", "3", "2"],
        ["6", "64", "320", "1", "1"],
        ["", "", "1280", "1", "1"],
        ["", "", "", "1", ""],
        ["", "", "1000", "1", ""],
        ["", "", "", "", ""],
    ]


def test_what_every_table_has_is_there_though_nobody_wrote_it() -> None:
    spec = antcost.load(network({"block": "avgpool"}))
    table = architecture_table(spec, antcost.analyze(spec), MADDS)
    assert [column.header for column in table.columns][3:6] == ["c", "n", "s"]
    assert table.cells()[0][3:6] == ["", "1", ""]


def test_groups_have_a_column_where_they_are_written() -> None:
    assert "g" not in rows("antnet_g1")[0]
    assert [row["g"] for row in rows("antnet_g2")[1:8]] == ["1", *6 * ["2"]]
    assert [row["g"] for row in rows("e_antnet")[1:8]] == 7 * ["1, 2"]


def test_channels_are_those_that_come_out() -> None:
    """With the width put in, and joined where a cell joins them."""
    assert [row["c"] for row in rows("mobilenet_v2_1.4")[:3]] == ["48", "24", "32"]
    cells = [row["c"] for row in rows("nasnet_a_mobile") if row["operator"] == "nasnet_cell"]
    assert cells == ["44", "88", "264", "352", "528", "704", "1056"]


def test_fields_without_a_letter_are_said() -> None:
    others = {row["stage"]: row["other"] for row in rows("googlenet")}
    assert others["conv1"] == "activation relu, bias, no norm"
    assert others["inception3a"] == "branches 64 / 96, 128 / 16, 32 / 32, no norm"
    assert others["pool5"] == ""
    assert "cell" not in rows("nasnet_a_mobile")[1]["other"]


@pytest.mark.parametrize("name", shipped_names())
def test_stages_sum_to_the_network(name: str) -> None:
    spec = antcost.load(name)
    cost = antcost.analyze(spec)
    table = architecture_table(spec, cost, MADDS)
    data = table.plain()["stages"]
    assert [row["name"] for row in data] == [stage.name for stage in spec.stages]
    assert sum(row["params"] for row in data) == cost.params
    assert sum(row["madds"] for row in data) == cost.madds
    for output_format in ("text", "markdown", "latex", "csv", "html", "json"):
        assert render(table, output_format)  # type: ignore[arg-type]


def test_a_stage_begins_where_the_one_before_ended() -> None:
    spec = antcost.load("antnet_g1")
    cost = antcost.analyze(spec)
    table = architecture_table(spec, cost, MADDS)
    stages = table.plain()["stages"]
    inputs, outputs = ([stage[key].dims for stage in stages] for key in ("input", "output"))
    assert inputs == [cost.graph.input.dims, *outputs[:-1]]
    assert outputs[-1] == cost.graph.output.dims == (1000,)
    shown = ["x".join(map(str, dims)) for dims in inputs]
    assert [row["input"] for row in rows("antnet_g1")] == [*shown, ""]
