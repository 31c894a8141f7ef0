"""A network that no spec describes, made by the Tape alone, in each command's function."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from clocks import FAKE
from devices import known_device

from antcost.cost.analysis import analyze_graph
from antcost.cost.budget import find_measure, read_bound
from antcost.cost.convention import CONVENTIONS
from antcost.cost.gate import check_budgets
from antcost.cost.measures import measures
from antcost.graph.shape import Shape
from antcost.graph.tape import Tape
from antcost.sources.network import Network
from antcost.tables.formats import render
from antcost.units import Printed
from antcost.views.annotations import verdict_annotations
from antcost.views.comparison import ComparedNetwork, compare_table
from antcost.views.difference import difference_table
from antcost.views.gate import GateResult, gate_tables
from antcost.views.network import network_table
from antcost.views.predictions import PredictedNetwork, predictions_table
from antcost.views.sizes import size_table

MADDS = CONVENTIONS["madds"]
CONV_MADDS = 3 * 3 * 3 * 8 * 16 * 16
LINEAR_MADDS = 8 * 10
PARAMS = 3 * 3 * 3 * 8 + 2 * 8 + 8 * 10 + 10


def made(title: str = "Taped", channels: int = 8) -> Network:
    net = Tape(Shape((3, 32, 32)))
    x = net.conv(net.input, channels, kernel=3, stride=2, name="conv")
    x = net.activation(net.batch_norm(x), "relu")
    x = net.linear(net.flatten(net.global_avg_pool(x)), 10)
    return Network("taped.bin", analyze_graph(net.graph(title, x)))


def everything(table: Any) -> str:
    """The table in every format."""
    return "\n".join(
        render(table, name, exact=True)
        for name in ("text", "markdown", "latex", "csv", "json", "html")
    )


def test_its_cost_and_title_follow_from_the_graph() -> None:
    network = made()
    assert (network.title, network.name, network.classes) == ("Taped", "Taped", None)
    assert network.cost.madds == CONV_MADDS + LINEAR_MADDS
    assert network.cost.params == PARAMS
    assert network.cost.graph is network.graph
    assert not network.has_auxiliary_heads


def test_table() -> None:
    assert f"{CONV_MADDS + LINEAR_MADDS:,}" in everything(network_table(made().cost, MADDS))


def test_compare() -> None:
    entries = [ComparedNetwork(made()), ComparedNetwork(made("Wider", 16))]
    table = compare_table(entries, MADDS, baseline=entries[0])
    text = everything(table)
    assert "Taped" in text
    assert "Wider" in text
    reasons = compare_table(entries, MADDS, columns=["reason"])
    assert [entry.reason for entry in reasons.items] == [None, None]


def test_diff() -> None:
    table = difference_table(made().cost, made("Wider", 16).cost, MADDS)
    assert f"{CONV_MADDS:,}" in everything(table)


def test_size() -> None:
    assert "ONNX" in everything(size_table(made().cost))


def test_predicted_latency() -> None:
    network = made()
    row = PredictedNetwork(network, known_device([network.cost]).predict(network.cost))
    assert "Taped" in everything(predictions_table([row]))


def test_gate() -> None:
    known = measures()
    bound = read_bound(find_measure(known, "madds"), f"<= {CONV_MADDS}")
    no_increase = Printed("0 %", Fraction(0), Fraction(1, 100))
    network, base = made(), made("Wider", 16)
    verdicts = check_budgets(network.cost, base.cost, (bound,), no_increase, known)
    result = GateResult(network, base, verdicts)
    assert not result.holds
    main, *_ = gate_tables([result], compared=True)
    assert "fails" in everything(main)
    (line,) = verdict_annotations(result, Path.cwd())
    assert line.endswith(f"which is {LINEAR_MADDS} beyond <= {CONV_MADDS}")


def test_measured_latency() -> None:
    from antcost.measure.engines import Settings
    from antcost.measure.lineup import Lineup
    from antcost.measure.timing import Goal, measure
    from antcost.views.latency import latency_table

    lineup = Lineup((made(), made("Wider", 512)))
    goal = replace(Goal(), limit_s=0.2)
    recording = measure(lineup, FAKE, Settings(), goal, 0)
    assert "Wider" in everything(latency_table(recording, baseline=0))


def test_export() -> None:
    onnx = pytest.importorskip("onnx")
    from antcost.backends.export import exported

    model = onnx.load_from_string(exported(made().graph, "onnx"))
    assert "Conv" in {node.op_type for node in model.graph.node}


def test_report() -> None:
    pytest.importorskip("altair")
    from antcost.document.compose import Findings, report_of

    report = report_of("Of a tape", Findings((ComparedNetwork(made()),), MADDS))
    assert "Taped" in [section.heading for section in report.sections]


@pytest.mark.torch
def test_check() -> None:
    pytest.importorskip("fvcore")
    from antcost.check.comparison import check

    checks = list(check([made().cost]))
    assert checks
    assert all(done.agrees for done in checks)
