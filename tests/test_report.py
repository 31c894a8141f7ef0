"""`antcost report`: its files, what they say, and what happens when something is wrong."""

import csv
import json
import re
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("altair")
pytest.importorskip("vl_convert")

from click.testing import Result
from conftest import ROOT, require_program
from typer.testing import CliRunner

import antcost
from antcost.check.comparison import Check, compare
from antcost.check.isolation import Answer
from antcost.check.tools import TOOLS, ToolReport
from antcost.cli.app import app
from antcost.cost.analysis import NetCost
from antcost.cost.convention import CONVENTIONS
from antcost.cost.device import load_device
from antcost.document import contents
from antcost.document.compose import Findings, report_of
from antcost.document.presets import _claims_table, find_preset, preset_sections
from antcost.document.references import find_work
from antcost.errors import AntcostError
from antcost.files import staged
from antcost.sources.network import network_of
from antcost.views.comparison import ComparedNetwork

NAMES = ("mobilenet_v2", "antnet_g1", "antnet_g2")


def report(*args: str, exit_code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["report", *args])
    assert result.exit_code == exit_code, result.output
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of three networks with everything but other tools."""
    folder = tmp_path_factory.mktemp("report") / "three"
    measured = ("--latency", f"{ROOT}/reports/table8.json", "--device", f"{ROOT}/reports/epyc.json")
    report(*NAMES, "-o", str(folder), "--title", "Three", *measured)
    return folder


def numbers(folder: Path) -> Any:
    return json.loads((folder / "report.json").read_text())["tables"]


def names_of(folder: Path, part: str) -> set[str]:
    return {path.name for path in (folder / part).iterdir()}


def test_every_table_and_figure_is_in_every_format(folder: Path) -> None:
    tables = numbers(folder)
    assert names_of(folder, "tables") == {
        f"{key}.{suffix}" for key in tables for suffix in ("csv", "tex")
    }
    figures = {path.stem for path in (folder / "figures").iterdir()}
    assert names_of(folder, "figures") == {
        f"{key}.{s}" for key in figures for s in ("svg", "pdf", "png")
    }
    assert {"cost_by_kind", "latency_runs", "latency_scatter", "tradeoff_latency_top1"} < figures
    assert {f"{name}_{what}" for name in NAMES for what in ("stages", "memory")} < figures
    texts = {"report.md", "report.html", "report.tex", "report.json", "references.bib"}
    assert {path.name for path in folder.iterdir()} == texts | {"tables", "figures"}


def test_numbers_are_those_of_the_networks(folder: Path) -> None:
    tables = numbers(folder)
    assert [row["spec"] for row in tables["comparison"]["networks"]] == list(NAMES)
    for name, row in zip(NAMES, tables["comparison"]["networks"], strict=True):
        cost = antcost.analyze(name)
        assert (row["total"]["params"], row["total"]["madds"]) == (cost.params, cost.madds)
        layers = tables[f"{name}_layers"]["rows"]
        assert [layer["madds"] for layer in layers] == [layer.madds for layer in cost.layers]
        stages = tables[f"{name}_architecture"]["stages"]
        assert sum(stage["params"] for stage in stages) == cost.params


def test_csv_has_every_digit(folder: Path) -> None:
    with (folder / "tables" / "comparison.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["madds"]) for row in rows] == [antcost.analyze(name).madds for name in NAMES]


def test_links_of_the_markdown_lead_to_files(folder: Path) -> None:
    text = (folder / "report.md").read_text()
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert len(targets) > 30
    assert all((folder / target).is_file() for target in targets)


def test_figures_of_one_format_are_linked_once(tmp_path: Path) -> None:
    report("antnet_g2", "-o", str(tmp_path), "--format", "md,png")
    targets = re.findall(r"\]\(([^)]+)\)", (tmp_path / "report.md").read_text())
    assert sorted(targets) == [f"figures/{name}" for name in sorted(names_of(tmp_path, "figures"))]


def test_figures_that_the_page_alone_can_choose_are_files_only(folder: Path) -> None:
    name = "tradeoff_madds_top5"
    assert f"{name}.pdf" in names_of(folder, "figures")
    for text in ("report.md", "report.tex"):
        assert name not in (folder / text).read_text()
        assert "tradeoff_madds_top1" in (folder / text).read_text()
    assert "top-5" in (folder / "report.html").read_text()


def test_markdown_says_what_there_is(folder: Path) -> None:
    text = (folder / "report.md").read_text()
    assert text.startswith("# Three\n\n## Comparison\n\n**What 3 networks cost**\n\n| network ")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings == [
        "Comparison",
        "Where the cost goes",
        "Cost and accuracy",
        "Latency, measured",
        "Latency, predicted",
        "Methods",
        "MobileNetV2",
        "ANTNet (g = 1)",
        "ANTNet (g = 2)",
        "Sources",
    ]
    assert "\n\n\n" not in text
    assert "antnet_g1_layers.csv" in text
    assert "conv8.conv" not in text


def test_the_engine_that_measured_is_cited(folder: Path) -> None:
    assert find_work("onnxruntime").key in (folder / "references.bib").read_text()


def test_latencies_of_kinds_and_layers_are_predicted(folder: Path) -> None:
    device = load_device(ROOT / "reports/epyc.json")
    for name in NAMES:
        for table in (f"{name}_kinds", f"{name}_layers"):
            with (folder / "tables" / f"{table}.csv").open() as file:
                total = list(csv.DictReader(file))[-1]
            assert int(total["latency"]) == device.latency_ps(antcost.analyze(name))


def test_a_network_of_one_layer(tmp_path: Path, write_spec: Callable[..., Path]) -> None:
    stages = "stages:\n  - {name: f, block: linear, channels: classes}\n"
    spec = write_spec(f"name: One\ninput: [64]\nclasses: 10\n{stages}")
    report(str(spec), "-o", str(tmp_path / "r"), "--format", "md")
    assert "One: by layer: 1 row, in files." in (tmp_path / "r" / "report.md").read_text()


def test_measured_latencies_stand_beside_the_counts(folder: Path) -> None:
    rows = numbers(folder)["comparison"]["networks"]
    recorded = numbers(folder)["latency"]["networks"]
    assert [row["latency"] for row in rows] == [row["time"] for row in recorded]


def test_what_was_not_measured_has_no_latency_though_it_is_predicted(tmp_path: Path) -> None:
    measured = ("--latency", f"{ROOT}/reports/table8.json", "--device", f"{ROOT}/reports/epyc.json")
    report(*NAMES, "resnet_18", "-o", str(tmp_path), *measured, "--format", "md,json")
    rows = numbers(tmp_path)["comparison"]["networks"]
    assert [row["latency"] is not None for row in rows] == [True, True, True, False]
    text = (tmp_path / "report.md").read_text()
    assert "by latency of 3 networks" in text
    assert "Latency is measured." in text
    assert "Latency of MobileNetV2, ANTNet (g = 1) and ANTNet (g = 2) was measured" in text


def test_predicted_latencies_are_called_so(tmp_path: Path) -> None:
    report(*NAMES, "-o", str(tmp_path), "--device", f"{ROOT}/reports/epyc.json", "--format", "md")
    text = (tmp_path / "report.md").read_text()
    assert "by latency of 3 networks" in text
    assert "Latency is predicted." in text
    assert "Latency is measured." not in text
    assert "\n\nspeed-up: time of MobileNetV2 by time of the network.\n" in text


def test_what_a_paper_claims_of_two_networks_is_counted_again() -> None:
    claims = [claim for table in find_preset("antnets").tables for claim in table.claims]
    names = dict.fromkeys(name for claim in claims for name in (claim.network, claim.base))
    entries = [_entry(name, name) for name in names]
    rows = _claims_table(claims, entries).values()
    network, base = (antcost.analyze(f"cifar100/{name}") for name in ("antnet_g2", "mobilenet_v2"))
    assert [row[2:] for row in rows] == [
        ["params", "-8.3 %", Fraction(network.params, base.params) - 1],
        ["MAdds", "-19.6 %", Fraction(network.madds, base.madds) - 1],
    ]


def test_a_paper_needs_all_of_its_networks() -> None:
    preset, only = find_preset("antnets"), _entry("antnet_g1")
    missing = len(preset.networks) - 1
    with pytest.raises(AntcostError, match=f"not without {missing} networks that failed"):
        preset_sections(preset, Findings((only,), only.convention))


def test_a_paper_needs_no_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = "{number: 1, heading: ImageNet, networks: [resnet_18, resnet_34]}"
    (tmp_path / "mine.yaml").write_text(f"title: Two\nname: Mine\ntables:\n  - {table}\n")
    monkeypatch.setattr("antcost.document.presets._PAPERS", tmp_path)
    report("--preset", "mine", "-o", str(tmp_path / "r"), "--summary", "--format", "md")
    text = (tmp_path / "r" / "report.md").read_text()
    assert "## Table 1: ImageNet" in text
    assert "Latency" not in text


def test_only_the_formats_that_are_asked_for(tmp_path: Path) -> None:
    report("antnet_g2", "-o", str(tmp_path / "r"), "--format", "md,csv")
    assert {path.name for path in (tmp_path / "r").iterdir()} == {"report.md", "tables"}
    assert all(name.endswith(".csv") for name in names_of(tmp_path / "r", "tables"))
    assert ".tex" not in (tmp_path / "r" / "report.md").read_text()


def test_a_summary_has_no_sections_of_single_networks(tmp_path: Path) -> None:
    report(*NAMES, "-o", str(tmp_path), "--summary", "--format", "md,csv,html")
    assert names_of(tmp_path, "tables") == {"comparison.csv", "comparison_published.csv"}
    headings = re.findall(r"^## (.*)$", (tmp_path / "report.md").read_text(), re.MULTILINE)
    assert headings == [
        "Comparison", "Where the cost goes", "Cost and accuracy", "Methods", "Sources",
    ]  # fmt: skip
    assert 'href="#network' not in (tmp_path / "report.html").read_text()


def test_files_of_others_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "report.md").write_text("old")
    report("antnet_g2", "-o", str(tmp_path), "--format", "md")
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "report.md").read_text().startswith("# What ANTNet (g = 2) costs\n")
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", "report.md"}


@pytest.mark.parametrize("problem", [KeyboardInterrupt, RuntimeError])
def test_nothing_changes_when_writing_ends_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: type[BaseException]
) -> None:
    """The page is written near the end."""

    def fail(_: object) -> str:
        raise problem

    (tmp_path / "report.md").write_text("old")
    monkeypatch.setattr("antcost.document.publish.page", fail)
    result = CliRunner().invoke(app, ["report", "antnet_g2", "-o", str(tmp_path)])
    assert result.exit_code == (130 if problem is KeyboardInterrupt else 1)
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]
    assert (tmp_path / "report.md").read_text() == "old"


def test_a_broken_spec_is_reported_and_the_others_are_written(
    tmp_path: Path, write_spec: Callable[..., Path]
) -> None:
    bad = str(write_spec("name: x\n", name="bad.yaml"))
    folder = str(tmp_path / "r")
    result = report(bad, "antnet_g2", "-o", folder, "--format", "md", exit_code=1)
    assert "bad.yaml" in result.output
    assert (tmp_path / "r" / "report.md").is_file()
    report(bad, "-o", str(tmp_path / "none"), "--format", "md", exit_code=2)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("antnet_g2", "--format", "docx"), "--format: no format 'docx'"),
        (("--preset", "antnet"), "--preset: no report 'antnet'; did you mean 'antnets'?"),
        ((), "name networks, or --preset antnets"),
        (("antnet_g2", "--preset", "antnets"), "name networks, or --preset antnets"),
        (("antnet_g2", "--latency", "none.json"), "none.json: cannot be read"),
        (("vgg_16", "--latency", f"{ROOT}/reports/table8.json"), "none of these networks was"),
        (("--preset", "antnets", "--set", "classes=10"), "--set has no place beside --preset"),
        (("antnet_g2", "--count", "nothing"), "nothing"),
        (("antnet_g2", "--title", "two\nlines"), "--title: expected one line of printable text"),
    ],
)
def test_mistakes(tmp_path: Path, args: tuple[str, ...], said: str) -> None:
    result = report(*args, "-o", str(tmp_path / "r"), exit_code=2)
    assert said in re.sub(r"[\s│]+", " ", result.output)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = report("antnet_g2", "-o", str(tmp_path / "file"), exit_code=2).output
    assert said == f"{tmp_path}/file: cannot be written: is a file\n"
    said = report("antnet_g2", "-o", str(tmp_path / "a" / "b"), exit_code=2).output
    assert said == f"{tmp_path}/a/b: cannot be written: No such file or directory\n"
    too_long = tmp_path / ("a" * 300)
    said = report("antnet_g2", "-o", str(too_long), exit_code=2).output
    assert said == f"{too_long}: cannot be written: File name too long\n"


@pytest.mark.parametrize("blocked", ["tables", "report.md"])
def test_nothing_changes_where_a_file_has_no_place(tmp_path: Path, blocked: str) -> None:
    """A file where a folder has to be, or the other way round."""
    if blocked == "tables":
        (tmp_path / blocked).write_text("mine")
    else:
        (tmp_path / blocked).mkdir()
    args = ("antnet_g2", "-o", str(tmp_path), "--format", "csv,md,json")
    said = report(*args, exit_code=2).output
    assert "cannot be written" in said
    assert not list(tmp_path.rglob("*.json"))
    assert (tmp_path / blocked).exists()


def test_a_report_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report("antnet_g2", "-o", ".", "--format", "json")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_files_are_staged_where_they_will_be(tmp_path: Path) -> None:
    """So that the folder may be on a disk of its own, or below one that cannot be written to."""
    with staged(tmp_path) as stage:
        assert stage.parent == tmp_path
    with staged(tmp_path / "new") as stage, staged(tmp_path / "new") as other:
        assert stage.parent == tmp_path
        assert other != stage
    assert not list(tmp_path.iterdir())


def test_files_are_called_by_specs_and_no_two_alike() -> None:
    references = (
        "a/net.yaml",
        "b/net.yaml",
        "cifar100/antnet_g2",
        "ü <x>.yaml",
        "..yaml",
        "n_2",
        "n",
        "Net.yaml",
        f"{'x' * 300}.yaml",
    )
    entries = tuple(_entry(reference) for reference in (*references, "n.yaml"))
    keys = [key for _, key in Findings(entries, entries[0].convention).keyed]
    assert keys == [
        "net",
        "net_2",
        "cifar100_antnet_g2",
        "x",
        "network",
        "n_2",
        "n",
        "Net_3",
        "x" * 80,
        "n_3",
    ]


@pytest.mark.parametrize("start", ["# ", "- ", "+ ", "1. ", "12) "])
def test_names_begin_no_headings_or_lists(
    tmp_path: Path, write_spec: Callable[..., Path], start: str
) -> None:
    text = (ROOT / "specs/antnet_g1.yaml").read_text()
    spec = write_spec(text.replace("name: ANTNet (g = 1)", f"name: '{start}ANTNet'"))
    report(str(spec), "-o", str(tmp_path / "r"), "--format", "md")
    text = (tmp_path / "r" / "report.md").read_text()
    assert "ANTNet: by layer: " in text
    assert not re.search(rf"^{re.escape(start)}ANTNet", text, re.MULTILINE)


def _entry(reference: str, name: str = "antnet_g2") -> ComparedNetwork:
    return ComparedNetwork(network_of(antcost.load(name), reference))


def agreeing(cost: NetCost) -> Check:
    """A tool that reports what it is predicted to."""
    convention = CONVENTIONS["fvcore"]
    counts = {row.name: convention.count(row.cost) for row in cost.layers}
    whole = convention.count(cost.whole.cost)
    return compare(cost, TOOLS["fvcore"], Answer("0.1.5", ToolReport(whole, cost.params, counts)))


def composed(*names: str) -> contents.Report:
    """The report of networks that one tool was asked about."""
    entries = tuple(_entry(name, name) for name in names)
    checks = tuple(agreeing(entry.cost) for entry in entries)
    return report_of("Composed", Findings(entries, entries[0].convention, checks))


def test_rows_lead_to_the_section_of_their_network() -> None:
    """Also where a table leaves networks out, as those without published figures."""
    found = composed("cifar100/flattened", "mobilenet_v2", "antnet_g2")
    headings = {section.key: section.heading for section in found.sections if section.of_network}
    assert len(headings) == 3
    tables = {item.key: item for item in found.tables if item.about}
    for key in ("comparison", "comparison_published"):
        titles = [entry.title for entry in tables[key].table.items]
        assert [headings[str(about)] for about in tables[key].about] == titles
    names = [check.cost.graph.name for check in tables["checks"].table.items]
    assert [headings[str(about)] for about in tables["checks"].about] == names


def test_a_network_has_its_own_bridges_with_every_digit() -> None:
    found = composed("mobilenet_v2", "antnet_g2")
    bridges = [item for item in found.tables if item.key.endswith("_bridges")]
    starts = [[step.base for step in each.table.items if step.tool] for each in bridges]
    assert starts == [[antcost.analyze(name).madds] for name in ("mobilenet_v2", "antnet_g2")]
    exact = {item.key for item in found.tables if item.exact}
    assert exact == {"checks", "mobilenet_v2_bridges", "antnet_g2_bridges"}
    for each in bridges:
        (bridge,) = each.table.plain()["bridges"].values()
        assert [count for _, count in bridge] == [step.count for step in each.table.items]


def test_each_task_has_its_figures_and_no_two_share_a_key() -> None:
    imagenet, cifar100 = ("mobilenet_v2", "antnet_g1"), ("antnet_g1", "antnet_g2", "antnet_r8")
    found = composed(*imagenet, *(f"cifar100/{name}" for name in cifar100))
    keys = [figure.key for figure in found.figures]
    assert {"tradeoff_madds_top1", "tradeoff_2_madds_top1"} < {*keys}
    for every in (keys, [each.key for each in found.tables], [s.key for s in found.sections]):
        assert len({*every}) == len(every)
    headings = [section.heading for section in found.sections]
    assert {f"Cost and accuracy, {n} classes" for n in (1000, 100)} < {*headings}


def test_figures_to_choose_from_are_called_by_what_they_show() -> None:
    figures = {figure.key: figure for figure in composed(*NAMES).figures}
    for y, accuracy in (("top1", "top-1"), ("top5", "top-5")):
        figure = figures[f"tradeoff_peak_memory_{y}"]
        assert (figure.axes, figure.spare) == (("peak memory", accuracy), y == "top5")
    assert figures["cost_by_kind"].axes is None


def test_checks_are_asked_for_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antcost.cli.report.require_torch", lambda: None)
    asked: list[NetCost] = []

    def ask(costs: list[NetCost]) -> tuple[list[Check], bool]:
        asked.extend(costs)
        return [agreeing(cost) for cost in costs], False

    monkeypatch.setattr("antcost.cli.report.run_tools", ask)
    report("antnet_g2", "-o", str(tmp_path), "--check", "--format", "md,tex,csv")
    (cost,) = asked
    reported = f"{CONVENTIONS['fvcore'].count(cost.whole.cost):,}"
    assert reported in (tmp_path / "report.md").read_text()
    for name in ("checks", "antnet_g2_bridges"):
        text = (tmp_path / "tables" / f"{name}.tex").read_text()
        assert reported in text
        assert rf"\label{{tab:{name}}}" in text
    assert "As a check, fvcore 0.1.5 counted" in (tmp_path / "report.md").read_text()
    assert "includegraphics" not in (tmp_path / "report.tex").read_text()


def test_ctrl_c_while_tools_are_asked_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antcost.cli.report.require_torch", lambda: None)
    monkeypatch.setattr("antcost.cli.report.run_tools", lambda costs: ([], True))
    folder = tmp_path / "r"
    said = report("antnet_g2", "-o", str(folder), "--check", "--format", "md", exit_code=130).output
    assert said == "interrupted: nothing was written\n"
    assert not folder.exists()


def test_a_network_stands_once_however_often_it_is_named(tmp_path: Path) -> None:
    args = ("antnet_g2", "mobilenet_v2", "antnet_g2", "--set", "width=0.5")
    report(*args, "-o", str(tmp_path), "--format", "json,csv")
    rows = numbers(tmp_path)["comparison"]["networks"]
    assert [row["spec"] for row in rows] == ["antnet_g2", "mobilenet_v2"]
    half = antcost.analyze("mobilenet_v2", ["width=0.5"])
    assert rows[1]["total"]["madds"] == half.madds
    assert "mobilenet_v2_layers.csv" in names_of(tmp_path, "tables")


def test_what_was_measured_of_a_name_is_not_of_another_network(
    tmp_path: Path, write_spec: Callable[..., Path]
) -> None:
    """One that has the name, and not the costs: its spec was changed since."""
    text = (ROOT / "specs/antnet_g1.yaml").read_text()
    args = ("--latency", f"{ROOT}/reports/table8.json", "--format", "md", "-o", f"{tmp_path}/r")
    report(str(write_spec(text)), *args)
    smaller = text.replace("[3, 224, 224]", "[3, 192, 192]")  # other MAdds, the same params
    biased = text.replace("channels: 32, stride: 2}", "channels: 32, stride: 2, bias: true}", 1)
    for changed in (smaller, biased):
        assert changed != text
        said = report(str(write_spec(changed)), *args, exit_code=2).output
        assert said == "--latency: none of these networks was measured for this file\n"


def test_a_folder_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> None:
        raise AssertionError

    monkeypatch.setattr("antcost.cli.report.load_recording", fail)
    report("antnet_g2", "--latency", "x", "-o", str(tmp_path / "a" / "b"), exit_code=2)


HOSTILE = (
    r"<script>x</script> \input{/etc/passwd} $x$ & % # ^^5c | `a` [b](javascript:c) ~{ "
    r"\end{table} é 中"
)


def test_hostile_texts_are_only_texts(tmp_path: Path, write_spec: Callable[..., Path]) -> None:
    """In names, sources and notes: markdown shows them, and the LaTeX document compiles."""
    pdflatex = require_program("pdflatex")
    hostile = HOSTILE.replace("'", "''")
    spec = write_spec(
        f"name: '{hostile}'\ninput: [3, 32, 32]\nclasses: 10\nstages:\n"
        "  - {name: a, block: conv, kernel: 3, channels: 8}\n"
        "  - {name: p, block: avgpool}\n"
        "  - {name: f, block: linear, channels: classes}\n"
        f"published:\n  - source: '{hostile}'\n    note: '{hostile}'\n    params: 1M\n"
    )
    folder = tmp_path / "r"
    report(str(spec), "antnet_g2", "-o", str(folder), "--format", "md,tex,pdf", "--title", HOSTILE)
    text = (folder / "report.md").read_text().split("```bibtex")[0]
    assert r"\<script\>" in text
    assert not re.search(r"(?<!\\)<script|(?<!\\)\]\(javascript", text)
    for program, argument in (
        (pdflatex, "report.tex"),
        (require_program("bibtex"), "report"),
        (pdflatex, "report.tex"),
    ):
        options = ["-halt-on-error", "-no-shell-escape"] if program == pdflatex else []
        done = subprocess.run(
            [program, *options, argument], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True
        )
        assert done.returncode == 0, done.stdout[-2000:]
    log = (folder / "report.log").read_text(errors="replace")
    assert not re.search(r"Overfull \\hbox \((?:[2-9]|\d\d)", log)
    printed = subprocess.run(
        [require_program("pdftotext"), "report.pdf", "-"],
        cwd=folder,
        capture_output=True,
        text=True,
    ).stdout
    assert r"\input{/etc/passwd} $x$ & % #" in printed
    assert "root:" not in printed


def test_speed_ups_are_over_a_network_of_the_report(tmp_path: Path) -> None:
    """Not over the recording's baseline, MobileNetV2, where that is not asked for; as numbers."""
    measured = ("--latency", f"{ROOT}/reports/table8.json", "--format", "md,csv,json")
    report("antnet_g2", "antnet_g1", "-o", str(tmp_path / "r"), *measured)
    rows = numbers(tmp_path / "r")["comparison"]["networks"]
    latency_ps = [row["latency"] for row in rows]
    assert rows[0]["speed_up"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert rows[1]["speed_up"]["value"] == pytest.approx(latency_ps[0] / latency_ps[1], rel=0.02)
    with (tmp_path / "r" / "tables" / "latency.csv").open() as file:
        speed_ups = {row["network"]: float(row["speed_up"]) for row in csv.DictReader(file)}
    assert speed_ups["ANTNet (g = 1)"] == rows[1]["speed_up"]["value"]
    text = (tmp_path / "r" / "report.md").read_text()
    assert "A speed-up is the time of ANTNet (g = 2) by that of the network" in text
    assert "time of MobileNetV2 by" not in text


def test_measured_latencies_need_their_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antcost.cli.measurement.find_spec", lambda name: None)
    said = report("--preset", "antnets", "-o", str(tmp_path / "r"), exit_code=2).output
    assert said == "latency needs numpy and scipy: pip install 'antcost[latency]'\n"
