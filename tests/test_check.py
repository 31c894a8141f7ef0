"""`antcost check`: tools in processes of their own, bridges, residuals and who carries them."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import network
from typer.testing import Result

import antcost
from antcost.charts.style import PAGE
from antcost.charts.waterfalls import waterfalls
from antcost.check import comparison
from antcost.check.bridge import BridgeStep, steps
from antcost.check.comparison import Check, check, compare, convention_of
from antcost.check.isolation import Answer, Job, answer, answers
from antcost.check.tools import TOOLS, ToolReport
from antcost.cost.convention import CONVENTIONS, Term
from antcost.views.checks import bar, bridge_table, checks_table, equations, places_table

TORCH = pytest.mark.torch
TINY = network(
    {"block": "conv", "kernel": 3, "channels": 8},
    {"block": "avgpool"},
    {"block": "linear", "channels": 4},
)


@pytest.fixture
def needs_tools() -> None:
    pytest.importorskip("fvcore", reason="needs the check extra")


def reported(
    tool: str, total: int, params: int = 3_504_872, layers: Any = None, layer_params: Any = None
) -> Check:
    """What MobileNetV2 would be if the tool said so."""
    report = ToolReport(total, params, layers, layer_params)
    return compare(antcost.analyze("mobilenet_v2"), TOOLS[tool], Answer("0.1.5", report))


def predicted_layers(tool: str) -> tuple[dict[str, int], dict[str, int]]:
    """Counts and parameters of each layer of MobileNetV2, as the tool should report them."""
    rows = antcost.analyze("mobilenet_v2").layers
    count = CONVENTIONS[tool].count
    return {r.name: count(r.cost) for r in rows}, {r.name: r.params for r in rows}


def test_the_bridge_leads_to_the_number_term_by_term() -> None:
    assert equations(reported("fvcore", 314_193_216)) == [
        "fvcore: 314,193,216 = 300,774,272 multiply-adds + 13,356,224 batch norm (2 per element) "
        "+ 62,720 adaptive pooling inputs"
    ]


def test_what_no_term_explains_is_a_term_of_the_bridge() -> None:
    one = reported("fvcore", 314_193_200)
    assert not one.agrees
    assert one.whole.residual == -16
    assert equations(one)[0].endswith("+ 62,720 adaptive pooling inputs - 16 not explained")


def test_parameters_have_a_bridge_where_a_tool_misses_some() -> None:
    cost = antcost.analyze("cifar100/e_antnet")
    one = compare(cost, TOOLS["thop"], Answer("0.1.1", ToolReport(167_359_296, 4_314_756)))
    assert one.agrees
    assert equations(one)[1] == "thop, params: 4,314,756 = 4,314,790 parameters - 34 branch weights"
    assert one.faults() == [
        "misses the parameters of modules that it has no rule for: the branch weights"
    ]


def test_parameters_have_to_agree_too() -> None:
    counts, params = predicted_layers("fvcore")
    one = reported("fvcore", 314_193_216, 3_504_877, counts, params | {"conv0.conv": 864 + 5})
    assert not one.agrees
    assert one.params_carriers == (("conv0.conv", 5),)
    assert checks_table([one]).notes[:2] == (
        "0 of 1 numbers are explained to the last operation.",
        "MobileNetV2, fvcore: params residual +5, in conv0.conv (+5).",
    )


def test_layers_have_to_agree_even_where_the_whole_does() -> None:
    counts, params = predicted_layers("fvcore")
    counts["conv0.conv"] += 1_000
    counts["conv8.conv"] -= 1_000
    one = reported("fvcore", 314_193_216, layers=counts, layer_params=params)
    assert not one.agrees
    assert checks_table([one]).notes[1] == (
        "MobileNetV2, fvcore: residual +0, in conv0.conv (+1,000), conv8.conv (-1,000)."
    )
    places = places_table([one], "layer").items
    assert [line.name for _, line in places[:3]] == ["conv0.conv", "conv8.conv", "conv0.bn"]


def test_rows_that_differ_from_ours_come_before_those_that_do_not() -> None:
    counts, params = predicted_layers("fvcore")
    one = reported("fvcore", 314_193_216, layers=counts, layer_params=params)
    differs = [line.reported != line.madds for _, line in places_table([one], "layer").items]
    assert differs == sorted(differs, reverse=True)
    assert True in differs
    assert False in differs


def test_the_bars_of_a_waterfall_follow_one_another() -> None:
    added = steps(reported("fvcore", 314_193_216))
    assert [(step.start, step.end) for step in added[1:]] == [
        (0, 13_356_224),
        (13_356_224, 13_418_944),
    ]
    assert [bar(step) for step in added] == ["", "█" * 24, "·" * 24 + "▏"]


def test_bars_that_lead_below_our_multiply_adds() -> None:
    cost = antcost.analyze(
        network(
            {"block": "conv_transpose", "kernel": 3, "padding": 2, "channels": 8},
            input_shape=(4, 6, 6),
        )
    )
    added = steps(compare(cost, TOOLS["thop"], Answer("0.1.1", ToolReport(0, 0))))
    assert [(step.term[0], step.end) for step in added[1:]] == [
        ("+", 512),
        ("-", 512 - 5_760),
        ("-", -10_368),
    ]
    assert [len(bar(step)) for step in added[1:]] == [24, 24, 11]
    assert waterfalls([compare(cost, TOOLS["thop"], Answer("0.1.1", ToolReport(0, 0)))]).to_dict()


def test_waterfalls_of_all_tools_fit_a_page_with_their_caption() -> None:
    vl_convert = pytest.importorskip("vl_convert")
    cost = antcost.analyze("mobilenet_v3_large")
    newest = {name: convention_of(name, "9")[0] for name in TOOLS}
    asked = [
        compare(
            cost, tool, Answer("9", ToolReport(newest[name].count(cost.whole.cost), cost.params))
        )
        for name, tool in TOOLS.items()
    ]
    svg = ET.fromstring(vl_convert.vegalite_to_svg(waterfalls(asked).to_dict()))
    assert float(svg.attrib["width"]) <= PAGE
    assert float(svg.attrib["height"]) <= 610


def test_a_step_in_the_middle() -> None:
    assert bar(BridgeStep("x", "less", -50, 1, 100, 50, 0, 100)) == "·" * 12 + "█" * 12


def test_several_networks_have_a_column_even_with_one_name() -> None:
    checks = [reported("fvcore", 314_193_216), reported("fvcore", 314_193_216)]
    assert checks_table(checks).columns[0].key == "network"
    assert places_table(checks, "layer").columns[0].key == "network"
    assert checks_table(checks[:1]).columns[0].key == "tool"
    assert bridge_table(checks[:1]).items


def test_a_local_version_is_left_out() -> None:
    cost = antcost.analyze("mobilenet_v2")
    one = compare(cost, TOOLS["torch"], Answer("2.13.0+cpu", ToolReport(601_548_544, 3_504_872)))
    assert (one.version, one.known, one.agrees) == ("2.13.0", True, True)


@pytest.mark.parametrize(
    ("tool", "version", "convention", "known"),
    [
        ("thop", "0.1.1-2209072238", "thop", True),
        ("thop", "0.1.0.post2207010342", "thop", True),
        ("thop", "0.0.31.post2005241907", "thop_0.0.31", True),
        ("thop", "0.2", "thop", False),
        ("ptflops", "0.7.5", "ptflops", True),
        ("ptflops", "0.7.4", "ptflops_0.7.4", True),
        ("ptflops", "0.7.2", "ptflops", False),
        ("ptflops", "0.8", "ptflops", False),
        ("ptflops_aten", "0.7.4", "ptflops_aten", True),
        ("fvcore", "0.1.5.post20221221", "fvcore", True),
        ("torchinfo", "1.8.0", "torchinfo", True),
        ("torch", "2.13.0", "flops", True),
        ("torch", "2.14.0", "flops", False),
    ],
)
def test_a_convention_belongs_to_versions_of_a_tool(
    tool: str, version: str, convention: str, known: bool
) -> None:
    pytest.importorskip("packaging")
    assert convention_of(tool, version) == (CONVENTIONS[convention], known)


def test_every_tool_has_a_convention() -> None:
    assert set(TOOLS) == {convention.tool for convention in CONVENTIONS.values()} - {""}


def test_a_tool_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tool = replace(TOOLS["calflops"], package="no-such-package")
    monkeypatch.setitem(TOOLS, "calflops", tool)
    told = answer(Job("calflops", antcost.analyze(TINY).graph))
    assert told.problem == "not installed: pip install calflops transformers"
    one = compare(antcost.analyze(TINY), tool, told)
    assert one.agrees
    assert one.whole is None


def without_pooling(tool: str, version: str) -> tuple[Any, bool]:
    """Conventions that forget global pooling and biases."""
    convention, known = convention_of(tool, version)
    kept = [t for t in convention.terms if "pool" not in t.name and "bias" not in t.name]
    return replace(convention, terms=tuple(kept)), known


@TORCH
@pytest.mark.usefixtures("needs_tools")
class TestWithTools:
    def test_all_agree_on_a_network_in_every_layer(self) -> None:
        cost = antcost.analyze("cifar100/e_antnet", ["width=0.25"])
        checks = list(check([cost]))
        assert {one.tool.name for one in checks} == set(TOOLS)
        for one in checks:
            assert one.problem == ""
            assert one.known
            assert one.agrees
            assert all(line.agrees for line in one.layers)
            assert sum(line.reported for line in one.layers) in (0, one.whole.reported)
            stages = one.stages()
            assert sum(line.reported for line in stages) in (0, one.whole.reported)
            assert all(line.agrees for line in stages)
        reporting = {one.tool.name for one in checks if one.layers}
        assert reporting == {"torch", "fvcore", "thop", "ptflops", "torchinfo"}

    def test_warnings_are_kept_and_noise_is_not(self, capfd: pytest.CaptureFixture[str]) -> None:
        told = answer(Job("fvcore", antcost.analyze(TINY).graph))
        assert any("Unsupported operator" in text for text in told.warnings)
        assert capfd.readouterr() == ("", "")

    def test_a_tool_that_fails_says_why(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(module: Any, image: Any) -> ToolReport:
            raise ValueError("of no\n  use")

        monkeypatch.setitem(TOOLS, "thop", replace(TOOLS["thop"], count=fail))
        told = answer(Job("thop", antcost.analyze(TINY).graph))
        assert (told.report, told.problem) == (None, "fails with ValueError of no use")

    def test_a_process_that_dies_is_told(self) -> None:
        ((_, told),) = answers([Job("no such tool", antcost.analyze(TINY).graph)])
        assert told.problem == "its process ended with exit code 1"

    def test_a_stage_that_torch_cannot_name_is_a_problem(self) -> None:
        cost = antcost.analyze(network({"name": "train", "block": "conv", "kernel": 1,
                                        "channels": 4}))  # fmt: skip
        told = answer(Job("torch", cost.graph))
        assert told.problem.startswith("stage 'train': a torch module cannot have this name")

    def test_a_network_that_torch_cannot_make_is_an_error(
        self, run: Callable[..., Result], write_spec: Callable[..., Path]
    ) -> None:
        spec = write_spec(
            "name: n\ninput: [3, 4, 4]\nclasses: 2\n"
            "stages: [{name: train, block: conv, kernel: 1, channels: 4}]\n"
        )
        result = run("check", str(spec), exit_code=2)
        assert result.stderr.startswith("n, torch: stage 'train': a torch module cannot have")
        assert result.stderr.count("\n") == 1
        assert result.stdout == ""

    @pytest.mark.parametrize(
        ("tool", "carriers"),
        [
            ("fvcore", (("s1.pool", 8 * 32 * 32),)),
            ("thop", (("s1.pool", 8 * 32 * 32 + 8),)),
            ("ptflops", (("s1.pool", 8192), ("s2.linear", 4), (comparison.ELSEWHERE, 8192))),
            ("ptflops_aten", (("s2.linear", 4),)),
            ("torchprofile", (("s1.pool", 8),)),
        ],
    )
    def test_a_residual_is_carried_by_its_layers(
        self, monkeypatch: pytest.MonkeyPatch, tool: str, carriers: Any
    ) -> None:
        """Where a tool reports the whole only, by asking it of shorter and shorter networks."""
        monkeypatch.setattr(comparison, "convention_of", without_pooling)
        (one,) = check([antcost.analyze(TINY)], [tool])
        assert not one.agrees
        assert one.carriers == carriers

    @pytest.mark.parametrize(("c_in", "channels", "groups"), [(4, 8, 2), (3, 6, 3), (8, 8, 2)])
    def test_grouped_transposed_convolutions(self, c_in: int, channels: int, groups: int) -> None:
        """Two tools divide them by their groups too often or not at all."""
        stage = {"block": "conv_transpose", "kernel": 2, "stride": 2, "channels": channels}
        cost = antcost.analyze(network(stage | {"groups": groups}, input_shape=(c_in, 5, 5)))
        checks = {one.tool.name: one for one in check([cost], ["calflops", "torchprofile"])}
        assert all(one.agrees for one in checks.values())
        assert checks["calflops"].faults() == [
            "divides a transposed convolution by its groups twice"
        ]
        divides = c_in == channels
        assert len(checks["torchprofile"].faults()) == (1 if divides else 2)

    def test_calflops_on_every_kind_of_layer(self) -> None:
        stages = [
            {"block": "conv", "kernel": 3, "channels": 8, "activation": "gelu", "bias": True},
            {"block": "maxpool", "kernel": 2, "stride": 2},
            {"block": "e_ant", "expansion": 2, "channels": 8, "groups": [1, 2], "reduction": 2},
            {"block": "shuffle", "channels": 16, "groups": 2, "stride": 2},
            {"block": "condense", "growth": 4, "groups": 2, "condensation": 2},
            {"block": "avgpool"},
            {"block": "linear", "channels": 10, "dropout": 0.5},
        ]
        (one,) = check([antcost.analyze(network(*stages))], ["calflops"])
        assert one.agrees
        assert one.whole

    def test_a_tool_that_fails_on_a_part_leaves_its_layers_open(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """calflops takes no network without parameters, as the first layer would be."""
        changed = replace(CONVENTIONS["calflops"], terms=(Term("", 2, ("conv_macs",)),))
        monkeypatch.setattr(comparison, "convention_of", lambda tool, version: (changed, True))
        pool = {"block": "maxpool", "kernel": 2, "stride": 2}
        conv = {"block": "conv", "kernel": 1, "channels": 4, "norm": False, "activation": None}
        (one,) = check([antcost.analyze(network(pool, pool, conv))], ["calflops"])
        assert one.whole.residual
        assert one.carriers == ()
        assert "in layers that were not found" in checks_table([one]).notes[1]

    def test_the_command(self, run: Callable[..., Result], tmp_path: Path) -> None:
        figure = tmp_path / "waterfall.svg"
        text = run("check", "mobilenet_v2", "--figure", str(figure)).stdout
        assert "8 of 8 numbers are explained to the last operation." in text
        assert "fvcore: 314,193,216 = 300,774,272 multiply-adds + 13,356,224 batch norm" in text
        drawn = figure.read_text()
        assert drawn.startswith("<svg")
        assert all(name in drawn for name in ("fvcore 0.1.5", "+13,356,224", "multiply-adds"))

    @pytest.mark.parametrize("by", ["stage", "layer"])
    def test_rows_by_stage_and_layer(self, run: Callable[..., Result], by: str) -> None:
        spec = ("check", "cifar100/antnet_g2", "--set", "width=0.25", "--by", by)
        data = json.loads(run(*spec, "--format", "json").stdout)
        tools = {row["tool"]: row for row in data["checks"]}
        rows = tools["fvcore"][f"by_{by}"]
        assert sum(row["reported"] for row in rows) == tools["fvcore"]["reported"]
        assert all(row["residual"] == 0 for row in rows)
        assert tools["ptflops_aten"][f"by_{by}"] == []
        header, *lines = run(*spec, "--format", "csv").stdout.splitlines()
        assert header.startswith("tool,name,operator,madds,reported,predicted,residual")
        assert len(lines) == sum(len(row[f"by_{by}"]) for row in data["checks"])
        assert "The whole only: ptflops_aten," in run(*spec, "--format", "markdown").stdout

    def test_a_residual_is_exit_code_1(
        self,
        run: Callable[..., Result],
        write_spec: Callable[..., Path],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(comparison, "convention_of", without_pooling)
        spec = write_spec(
            "name: n\ninput: [3, 8, 8]\nclasses: 2\nstages:\n"
            "  - {name: conv, block: conv, kernel: 1, channels: 4}\n"
            "  - {name: pool, block: avgpool}\n"
            "  - {name: fc, block: linear, channels: classes}\n"
        )
        text = run("check", str(spec), exit_code=1).stdout
        assert "n, fvcore: residual +256, in pool.pool (+256)." in text
        assert "n, ptflops_aten: residual +2, in fc.linear (+2)." in text
        assert "+ 256 not explained" in text

    def test_an_unknown_version_is_said_and_checked(
        self, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            comparison, "convention_of", lambda tool, version: (convention_of(tool, version)[0], 0)
        )
        text = run("check", "cifar100/antnet_g2", "--set", "width=0.25").stdout
        assert "1.8.0 (unknown)" in text
        assert "torchinfo 1.8.0 is not known; it was checked against the rules of" in text

    def test_a_required_tool_that_is_missing_is_an_error(
        self, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        missing = replace(TOOLS["calflops"], package="no-such-package")
        told = Answer(problem="not installed: pip install calflops")
        there = Answer("0.1.5", ToolReport(314_193_216))
        monkeypatch.setattr(
            "antcost.cli.measurement.check",
            lambda costs: [
                compare(costs[0], TOOLS["fvcore"], there),
                compare(costs[0], missing, told),
            ],
        )
        assert "not installed: pip install calflops" in run("check", "mobilenet_v2").stdout
        result = run("check", "mobilenet_v2", "--require", "thop,calflops", exit_code=2)
        assert result.stderr == "MobileNetV2, calflops: not installed: pip install calflops\n"

    def test_ctrl_c_keeps_what_is_finished(
        self, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(costs: Any) -> Iterator[Check]:
            yield compare(costs[0], TOOLS["fvcore"], Answer("0.1.5", ToolReport(314_193_216)))
            raise KeyboardInterrupt

        monkeypatch.setattr("antcost.cli.measurement.check", interrupted)
        result = run("check", "mobilenet_v2", exit_code=130)
        assert "314,193,216" in result.stdout
        assert result.stderr == "interrupted after 1 of 8 counts\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mobilenet_v2", "--require", "fvcor"), "--require: no tool 'fvcor'; did you mean 'fvcor"),
        (("mobilenet_v2", "--figure", "a.gif"), "a.gif: a figure ends in .svg, .pdf, .png"),
        (("mobilenet_v2", "--figure", "no/a.svg"), "no/a.svg: cannot be written: no such folder"),
        (("no_such_net",), "no_such_net: no such file and no such network"),
    ],
)
def test_mistakes(run: Callable[..., Result], arguments: tuple[str, ...], message: str) -> None:
    result = run("check", *arguments, exit_code=2)
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1


def test_without_torch_the_extra_is_named(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antcost.cli.measurement.find_spec", lambda name: None)
    assert run("check", "mobilenet_v2", exit_code=2).stderr == (
        "antcost check needs torch: pip install 'antcost[check]'\n"
    )
