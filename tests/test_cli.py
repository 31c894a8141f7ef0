"""The commands as a user types them: output, files, errors and exit codes."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml
from conftest import ROOT
from typer.testing import Result

import antcost
from antcost.files import write_whole
from antcost.sources.specs.catalog import shipped_names

Run = Callable[..., Result]
FORMATS = ["text", "markdown", "latex", "csv", "json", "html"]


def test_table_by_name_by_file_and_by_option_agree(run: Run) -> None:
    path = str(ROOT / "specs" / "antnet_g2.yaml")
    by_name = run("table", "antnet_g2").stdout
    assert by_name == run("table", path).stdout == run("table", "--spec", path).stdout
    assert by_name.startswith("ANTNet (g = 2), 3x224x224 to 1000\n")
    assert "MAdds: 1 MAdd = 1 multiply + 1 add; convolutions and linear layers" in by_name


def test_table_from_another_directory(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = run("table", "antnet_g2").stdout
    monkeypatch.chdir(tmp_path)
    assert run("table", "antnet_g2").stdout == here


def test_table_wants_exactly_one_network(run: Run) -> None:
    run("table", exit_code=2)
    run("table", "antnet_g1", "--spec", "antnet_g2", exit_code=2)


@pytest.mark.parametrize(
    ("by", "rows"), [("layer", 274), ("block", 21), ("stage", 11), ("kind", 11)]
)
def test_table_rows(run: Run, by: str, rows: int) -> None:
    data = json.loads(run("table", "antnet_g2", "--by", by, "--format", "json").stdout)
    assert len(data["rows"]) == rows
    assert sum(row["params"] for row in data["rows"]) == data["total"]["params"] == 3_340_328
    assert sum(row["madds"] for row in data["rows"]) == data["total"]["madds"] == 258_089_152


def test_table_shows_free_layers_when_asked(run: Run) -> None:
    text = run("table", "antnet_g2").stdout
    assert "Free rows not shown: 133 (--all)." in text
    assert "ant1.expand.act" not in text
    assert "ant1.expand.act" in run("table", "antnet_g2", "--all").stdout


def test_a_layer_is_free_by_what_is_shown(run: Run) -> None:
    """An activation has no parameters, but it moves bytes."""
    columns = "name,activations,traffic"
    text = run("table", "antnet_g2", "--columns", columns, "--format", "csv").stdout
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == 1 + 274 + 1
    assert sum(int(row[1]) for row in rows[1:-1]) == int(rows[-1][1])


def test_table_json_is_exact(run: Run) -> None:
    data = json.loads(run("table", "mobilenet_v2", "--format", "json").stdout)
    assert (data["antcost"], data["network"], data["convention"]) == (
        antcost.__version__,
        "MobileNetV2",
        "madds",
    )
    assert data["total"] == {
        "name": "total",
        "operator": "",
        "layers": 152,
        "params": 3_504_872,
        "params_share": 1,
        "madds": 300_774_272,
        "madds_share": 1,
        "flops": 601_548_544,
        "activations": 19_681_960,
        "traffic": 172_938_816,
        "param_memory": 4 * 3_504_872,
        "peak_memory": 4 * 2 * 96 * 112 * 112,
    }
    assert data["rows"][0] == {
        "name": "conv0.conv",
        "operator": "conv",
        "layers": 1,
        "input": [3, 224, 224],
        "output": [32, 112, 112],
        "kernel": [3, 3],
        "stride": [2, 2],
        "groups": 1,
        "ksg": "3/2/1",
        "params": 864,
        "params_share": 864 / 3_504_872,
        "madds": 864 * 112 * 112,
        "madds_share": 864 * 112 * 112 / 300_774_272,
        "flops": 2 * 864 * 112 * 112,
        "activations": 32 * 112 * 112,
        "traffic": 4 * (3 * 224 * 224 + 864 + 32 * 112 * 112),
        "param_memory": 4 * 864,
    }


def test_table_counts_by_the_convention(run: Run) -> None:
    flops = run("table", "mobilenet_v2", "--count", "flops", "--exact").stdout
    assert "601,548,544" in flops
    assert "FLOPs: 2 FLOPs = 1 multiply + 1 add" in flops
    error = run("table", "mobilenet_v2", "--count", "flop", exit_code=2).stderr
    assert error == "no convention 'flop'; did you mean 'flops'?\n"


def test_table_sorts_and_cuts(run: Run) -> None:
    text = run("table", "antnet_g2", "--sort", "madds", "--top", "2", "--exact").stdout
    lines = text.splitlines()
    assert [line.split()[0] for line in lines[4:6]] == ["conv8.conv", "ant2.0.expand.conv"]
    assert lines[6].startswith("(139 others)")
    others = 258_089_152 - 320 * 1280 * 7 * 7 - 16 * 96 * 112 * 112
    assert f"{others:,}" in lines[6]


def test_table_chooses_columns(run: Run) -> None:
    columns = "intensity,name,traffic,activations,flops"
    rows = run("table", "antnet_g1", "--by", "stage", "--columns", columns, "--format", "csv")
    header, first, *_ = csv.reader(io.StringIO(rows.stdout))
    assert header == columns.split(",")
    assert first[1] == "conv0"
    error = run("table", "antnet_g1", "--columns", "name,madd", exit_code=2).stderr
    assert error == "no column 'madd'; did you mean 'madds'?\n"


def test_table_names_what_was_set(run: Run) -> None:
    text = run("table", "antnet_g1", "--set", "ant[2-7].groups=2", "--set", "width=0.5").stdout
    assert text.startswith("ANTNet (g = 1) with ant[2-7].groups=2, width=0.5, 3x224x224 to 1000\n")


def test_inplace_lowers_the_peak(run: Run, write_spec: Callable[..., Path]) -> None:
    stages = "{name: c, block: conv, kernel: 1, channels: 3, norm: false}"
    path = write_spec(f"name: n\ninput: [1, 8, 8]\nclasses: 2\nstages: [{stages}]\n")
    peaks = [
        json.loads(run("table", str(path), "--format", "json", *flag).stdout)["total"]
        for flag in ((), ("--inplace",))
    ]
    assert [peak["peak_memory"] for peak in peaks] == [4 * (192 + 192), 4 * (64 + 192)]
    assert "(in place)" in run("table", str(path), "--inplace").stdout


def test_compare_puts_published_figures_beside_ours(run: Run) -> None:
    text = run("compare", "mobilenet_v2", "antnet_g2", "--exact").stdout
    assert re.search(r"MobileNetV2 +3,504,872 +3\.4M +\+3\.1 % +300,774,272 +300M +\+0\.3 %", text)
    assert "publ.: as printed in ANTNets, Table 7. diff.: ours against that." in text
    assert "top-1 publ." in text


def test_compare_leaves_out_published_columns_where_there_are_none(run: Run) -> None:
    assert "publ" not in run("compare", "cifar100/c_antnet").stdout


def test_compare_reads_folders_globs_and_files(run: Run) -> None:
    glob = str(ROOT / "specs" / "antnet_*.yaml")
    folder = str(ROOT / "specs")
    networks = json.loads(run("compare", glob, "--format", "json").stdout)["networks"]
    assert [row["network"] for row in networks] == [
        "ANTNet (1.4)",
        "ANTNet (g = 1)",
        "ANTNet (g = 2)",
    ]
    everything = json.loads(run("compare", folder, "--format", "json").stdout)["networks"]
    assert len(everything) == len(shipped_names())
    table = json.loads(run("table", "antnet_g2", "--format", "json").stdout)
    assert networks[2]["total"].items() <= table["total"].items()


def test_compare_says_how_many_times_smaller(run: Run) -> None:
    rows = list(
        csv.DictReader(
            io.StringIO(
                run(
                    "compare",
                    str(ROOT / "specs"),
                    "--baseline",
                    "mobilenet_v2",
                    "--sort",
                    "madds",
                    "--format",
                    "csv",
                ).stdout
            )
        )
    )
    by_name = {row["network"]: row for row in rows}
    assert float(by_name["MobileNetV2"]["params_fewer"]) == 1
    assert float(by_name["ANTNet (g = 2)"]["madds_fewer"]) == 300_774_272 / 258_089_152
    counts = [int(row["madds"]) for row in rows]
    assert counts == sorted(counts, reverse=True)
    outside = run("compare", "antnet_g1", "--baseline", "antnet_g2").stdout
    assert "x: times fewer than ANTNet (g = 2)." in outside
    assert "ANTNet (g = 2)  " not in outside
    error = run("compare", "antnet_g1", "--baseline", "antnet_g7", exit_code=2).stderr
    assert error.startswith("antnet_g7: no such file and no such network; did you mean")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("MobileNetV2", "MobileNetV2"),
        ("mobilenet_v2", "MobileNetV2"),
        ("specs/cifar100/mobilenet_v2.yaml", "MobileNetV2, CIFAR100"),
        ("c_antnet", "c-ANTNet, CIFAR100"),
    ],
)
def test_a_baseline_is_found_by_name_file_or_stem(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, found: str
) -> None:
    monkeypatch.chdir(ROOT)
    text = run("compare", "specs", "--baseline", name).stdout
    assert f"x: times fewer than {found}.\n" in text


def test_compare_counts_and_sets_and_works_in_place(run: Run) -> None:
    flops = run("compare", "mobilenet_v2", "--count", "flops", "--exact").stdout
    assert re.search(r"601,548,544 +300,774,272 +300M +\+0\.3 %", flops)
    assert "FLOPs: 2 FLOPs" in flops
    assert "MAdds: 1 MAdd" in flops
    assert "MAdds" not in run("compare", "cifar100/c_antnet", "--count", "flops").stdout
    data = json.loads(
        run("compare", "mobilenet_v2", "--set", "width=0.5", "--format", "json").stdout
    )
    table = json.loads(
        run("table", "mobilenet_v2", "--set", "width=0.5", "--format", "json").stdout
    )
    assert data["networks"][0]["total"].items() <= table["total"].items()
    assert "in place" in run("compare", "mobilenet_v2", "--inplace").stdout


def test_compare_json_has_what_the_table_shows(run: Run) -> None:
    command = ("compare", "mobilenet_v2", "--baseline", "antnet_g2", "--format", "json")
    data = json.loads(run(*command).stdout)
    (row,) = data["networks"]
    assert data["baseline"] == "ANTNet (g = 2)"
    assert row["madds_fewer"] == 258_089_152 / 300_774_272
    assert row["madds_difference"] == pytest.approx(300_774_272 / 300e6 - 1)
    assert row["published"][0]["params"] == {"printed": "3.4M", "value": 3_400_000}


def test_empty_cells_sort_last(run: Run) -> None:
    command = ("compare", "mobilenet_v1", "cifar100/c_antnet", "antnet_1.4", "--sort", "top1")
    rows = list(csv.reader(io.StringIO(run(*command, "--format", "csv").stdout)))[1:]
    assert [row[0] for row in rows] == ["ANTNet (1.4)", "MobileNetV1", "c-ANTNet, CIFAR100"]


def test_published_accuracies_keep_their_digits(run: Run, write_spec: Callable[..., Path]) -> None:
    figures = "published: [{source: us, top1: 67.44, top5: 88}]"
    text = run("compare", str(write_spec(f"extends: antnet_g1\n{figures}\n"))).stdout
    assert "67.44" in text
    assert "88.0" in text
    assert "diff." not in text


def test_compare_shows_the_others_when_one_fails(run: Run, write_spec: Callable[..., Path]) -> None:
    broken = write_spec("name: 3\n")
    result = run("compare", "antnet_g1", str(broken), "nowhere.yaml", exit_code=1)
    assert "ANTNet (g = 1)" in result.stdout
    assert f"{broken}:1: name: expected text, got 3" in result.stderr
    assert "nowhere.yaml: no such file" in result.stderr


def test_compare_reports_bad_arguments_like_bad_specs(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run("compare", "antnet_g1", "nope*.yaml", str(tmp_path / "empty"), exit_code=1)
    assert "ANTNet (g = 1)" in result.stdout
    assert "nope*.yaml: has no spec files (*.yaml)" in result.stderr
    failing = run("compare", "antnet_g1", "nope*.yaml", "--columns", "nope", exit_code=2).stderr
    assert "nope*.yaml: has no spec files" in failing
    assert "no column 'nope'" in failing


def test_compare_takes_shipped_names_by_pattern_and_skips_folders_in_a_glob(run: Run) -> None:
    names = ("compare", "cifar100/antnet_r*", "--format", "json")
    assert len(json.loads(run(*names).stdout)["networks"]) == 3
    glob = ("compare", str(ROOT / "specs" / "*"), "--format", "json")
    files = [path for path in (ROOT / "specs").iterdir() if path.is_file()]
    assert len(json.loads(run(*glob).stdout)["networks"]) == len(files)


def test_a_shipped_name_is_never_a_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    expected = run("table", "antnet_g2").stdout
    (tmp_path / "antnet_g2").write_text("not a spec")
    (tmp_path / "antnet_g1").mkdir()
    assert run("table", "antnet_g2").stdout == expected
    assert run("compare", "antnet_g1", "antnet_g2").exit_code == 0
    error = run("table", "./antnet_g2", exit_code=2).stderr
    assert error == "antnet_g2:1: expected a spec with name, input, ... fields\n"


def test_diff_lists_what_changed(run: Run) -> None:
    data = json.loads(run("diff", "antnet_g1", "antnet_g2", "--format", "json").stdout)
    assert len(data["rows"]) == 16
    assert {row["change"] for row in data["rows"]} == {"changed"}
    assert data["rows"][0] == {
        "change": "changed",
        "name": "ant2.0.project.conv",
        "before": "pointwise conv 1/1/1, 96x56x56 to 24x56x56",
        "after": "grouped conv 1/1/2, 96x56x56 to 24x56x56",
        "params_a": 96 * 24,
        "params_b": 96 * 24 // 2,
        "params_difference": -96 * 24 // 2,
        "madds_a": 96 * 24 * 56 * 56,
        "madds_b": 96 * 24 * 56 * 56 // 2,
        "madds_difference": -96 * 24 * 56 * 56 // 2,
    }
    assert data["total"]["difference"]["params"] == 3_340_328 - 3_821_672
    assert sum(r["madds_difference"] for r in data["rows"]) == data["total"]["difference"]["madds"]


def test_diff_aligns_stages_of_other_lengths(run: Run, write_spec: Callable[..., Path]) -> None:
    longer = write_spec("extends: mobilenet_v2\nset: {block7.repeat: 2, block2.repeat: 1}\n")
    data = json.loads(run("diff", "mobilenet_v2", str(longer), "--format", "json").stdout)
    changes = {(row["change"], row["name"].rsplit(".", 2)[0]) for row in data["rows"]}
    assert changes == {("removed", "block2.1"), ("added", "block7.1")}


def test_diff_pairs_stages_of_other_names_and_layers_that_do_the_same(run: Run) -> None:
    """From ANTNet to MobileNetV2: only attention and the first expansion go."""
    data = json.loads(run("diff", "antnet_g1", "mobilenet_v2", "--format", "json").stdout)
    assert {row["change"] for row in data["rows"]} == {"removed"}
    assert len(data["rows"]) == 2 + 2 * 17
    ensemble = json.loads(run("diff", "antnet_g1", "e_antnet", "--format", "json").stdout)
    assert {row["change"] for row in ensemble["rows"]} == {"added"}
    assert all("branch1" in row["name"] or "weighted" in row["name"] for row in ensemble["rows"])


def test_diff_shows_the_sign_of_a_change(run: Run) -> None:
    wider = run("diff", "mobilenet_v2", "antnet_g1").stdout
    assert re.search(r"added +ant1\.expand\.conv .* \+1\.02k ", wider)
    thinner = run("diff", "antnet_g1", "mobilenet_v2").stdout
    assert re.search(r"removed +ant1\.expand\.conv .* -1\.02k ", thinner)


def test_diff_says_what_else_a_layer_is(run: Run, write_spec: Callable[..., Path]) -> None:
    biased = write_spec("extends: antnet_g1\nset: {conv0.bias: true, conv8.padding: valid}\n")
    data = json.loads(run("diff", "antnet_g1", str(biased), "--all", "--format", "json").stdout)
    assert [row["after"] for row in data["rows"]] == [
        "conv 3/2/1 biased, 3x224x224 to 32x112x112",
        "pointwise conv 1/1/1 valid, 320x7x7 to 1280x7x7",
    ]


def test_diff_sets_both_sides_and_shows_memory(run: Run) -> None:
    command = ("diff", "antnet_g1", "antnet_g2", "--set", "width=0.5")
    totals = json.loads(run(*command, "--format", "json").stdout)["total"]
    for side, name in (("a", "antnet_g1"), ("b", "antnet_g2")):
        assert totals[side]["params"] == antcost.analyze(name, ["width=0.5"]).params
    assert "activations at their peak 4.59 MiB in A, 4.59 MiB in B." in run(*command).stdout
    assert "(in place)" in run(*command, "--inplace").stdout


def test_diff_of_a_network_with_itself_is_empty(run: Run) -> None:
    data = json.loads(run("diff", "antnet_g1", "antnet_g1", "--format", "json").stdout)
    assert data["rows"] == []
    assert set(data["total"]["difference"].values()) == {0}


def test_specs_lists_what_ships(run: Run) -> None:
    text = run("specs").stdout
    assert all(name in text for name in shipped_names())
    data = json.loads(run("specs", "--format", "json").stdout)
    assert [row["name"] for row in data["networks"]] == shipped_names()


def test_the_schema_accepts_every_shipped_spec_and_refuses_mistakes() -> None:
    """In a process of its own, where nothing else has registered the blocks."""
    command = [sys.executable, "-m", "antcost", "schema"]
    schema = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    validator = jsonschema.Draft202012Validator(schema)
    for name in shipped_names():
        spec = yaml.safe_load((ROOT / "specs" / f"{name}.yaml").read_text())
        assert list(validator.iter_errors(spec)) == []
    spec = yaml.safe_load((ROOT / "specs" / "antnet_g1.yaml").read_text())
    spec["stages"][1]["reduktion"] = 3
    assert not validator.is_valid(spec)
    assert not validator.is_valid({"name": "a", "stages": []})


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize(
    "command", [("table", "antnet_g2"), ("compare", "antnet_g2"), ("diff", "antnet_g1", "e_antnet")]
)
def test_every_format_goes_to_a_file_as_to_the_screen(
    run: Run, tmp_path: Path, command: tuple[str, ...], output_format: str
) -> None:
    path = tmp_path / "out"
    printed = run(*command, "--format", output_format).stdout
    assert run(*command, "--format", output_format, "-o", str(path)).stdout == ""
    assert path.read_text() == printed
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]


def test_a_file_that_cannot_be_written_is_an_error_and_stays_as_it_was(
    run: Run, tmp_path: Path
) -> None:
    error = run("table", "antnet_g1", "-o", str(tmp_path / "no" / "out"), exit_code=2).stderr
    assert error == f"{tmp_path}/no/out: cannot be written: No such file or directory\n"
    (tmp_path / "out").write_text("before")
    run("table", "antnet_g9", "-o", str(tmp_path / "out"), exit_code=2)
    assert (tmp_path / "out").read_text() == "before"
    run("table", "antnet_g1", "-o", str(tmp_path), exit_code=2)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_link_a_pipe_and_the_mode_of_a_file_are_kept(run: Run, tmp_path: Path) -> None:
    target, link, pipe = tmp_path / "target", tmp_path / "link", tmp_path / "pipe"
    target.write_text("before")
    target.chmod(0o640)
    link.symlink_to(target)
    run("table", "antnet_g1", "-o", str(link))
    assert link.is_symlink()
    assert target.read_text().startswith("ANTNet (g = 1)")
    assert target.stat().st_mode & 0o777 == 0o640
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True)
    run("table", "antnet_g1", "-o", str(pipe))
    assert reader.communicate(timeout=10)[0] == target.read_text()
    assert pipe.is_fifo()


def test_nothing_is_left_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "out"
    path.write_text("before")
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(antcost.AntcostError, match="out: cannot be written: No space left"):
        write_whole(path, "after")
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_standard_output_as_a_file_is_appended_to(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    command = [sys.executable, "-m", "antcost", "specs", "-o", "/dev/stdout"]
    with log.open("a") as stream:
        subprocess.run(command, stdout=stream, check=True)
    assert log.read_text().startswith(f"before\n{len(shipped_names())} networks ship")
    assert b" networks ship" in subprocess.run(command, capture_output=True, check=True).stdout


def test_links_in_a_circle_cannot_be_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    error = run("table", "antnet_g1", "-o", str(tmp_path / "a"), exit_code=2).stderr
    assert error == f"{tmp_path}/a: cannot be written: its links lead in a circle\n"


def test_a_row_is_ranked_by_a_column_that_is_not_shown(run: Run) -> None:
    """The largest traffic is that of layers without multiply-adds."""
    command = ("table", "mobilenet_v2", "--columns", "name,madds", "--sort", "traffic")
    lines = run(*command, "--top", "2").stdout.splitlines()
    assert [line.split()[0] for line in lines[4:6]] == ["block2.0.expand.bn", "block2.0.expand.act"]


def test_fewer_needs_a_baseline(run: Run) -> None:
    error = run("compare", "antnet_g1", "--columns", "network,params_fewer", exit_code=2).stderr
    assert error == "the columns params_fewer and madds_fewer need a baseline\n"


@pytest.mark.parametrize("output", ["", ".", "/", "x" * 300])
def test_odd_outputs_are_errors(run: Run, output: str) -> None:
    assert "cannot be written" in run("table", "antnet_g1", "-o", output, exit_code=2).stderr


def test_a_full_disk_and_a_poor_encoding_are_no_tracebacks(write_spec: Callable[..., Path]) -> None:
    command = [sys.executable, "-m", "antcost", "table", "antnet_g1"]
    with open("/dev/full", "w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (result.returncode, result.stderr) == (2, "cannot print: No space left on device\n")
    command[-1] = str(write_spec("extends: antnet_g1\nname: 網\n"))
    env = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    result = subprocess.run(command, env=env, capture_output=True, text=True)
    assert (result.returncode, result.stdout[:6]) == (0, "\\u7db2")


@pytest.mark.parametrize("name", ["x" * 300, "", "a\0b", "x" * 300 + ".yaml"])
def test_names_that_no_file_can_have(run: Run, name: str) -> None:
    for command in ("table", "compare"):
        result = run(command, name, exit_code=1 if command == "compare" else 2)
        assert len(result.stderr.splitlines()) == 1


def test_errors_go_to_stderr_without_a_traceback(run: Run) -> None:
    result = run("table", "antnet_g9", exit_code=2)
    assert result.stdout == ""
    assert result.stderr == (
        "antnet_g9: no such file and no such network; did you mean 'antnet_g2'?\n"
    )


HOSTILE = "a|b <i>&amp; %$#_{}~^\\\\ [x] *y*"


@pytest.mark.parametrize(
    ("output_format", "expected", "forbidden"),
    [
        ("markdown", r"a\|b \<i\>\&amp; %\$#\_{}\~^\\ \[x\] \*y\*", "|b <i>"),
        ("html", "a|b &lt;i&gt;&amp;amp; %$#_{}~^\\ [x] *y*", "<i>"),
        ("latex", r"\%\$\#\_\{\}\textasciitilde{}\^{}\textbackslash{} {[}x] {*}y{*}", " %$"),
    ],
)
def test_hostile_names_are_escaped(
    run: Run, write_spec: Callable[..., Path], output_format: str, expected: str, forbidden: str
) -> None:
    path = write_spec(
        f'extends: antnet_g1\nname: "{HOSTILE}"\npublished: [{{source: "{HOSTILE}", top1: 1}}]\n'
    )
    title = run("table", str(path), "--by", "stage", "--format", output_format).stdout
    notes = run("compare", str(path), "--format", output_format, "--baseline", str(path)).stdout
    assert title.count(expected) == 1
    assert notes.count(expected) == 3  # the row, the source, the baseline
    assert forbidden not in title + notes


def run_in_terminal(width: int, *args: str, **env: str) -> str:
    """What the command prints on a terminal of this width."""
    script = (
        "import fcntl, os, pty, struct, sys, termios\n"
        "pid, fd = pty.fork()\n"
        "if not pid: os.execvp(sys.argv[2], sys.argv[2:])\n"
        "fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 50, int(sys.argv[1]), 0, 0))\n"
        "out = b''\n"
        "try:\n"
        "    while chunk := os.read(fd, 65536): out += chunk\n"
        "except OSError: pass\n"
        "sys.stdout.buffer.write(out)\n"
    )
    command = [sys.executable, "-c", script, str(width), sys.executable, "-m", "antcost", *args]
    plain = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS")}
    result = subprocess.run(command, env=plain | env, capture_output=True, check=True)
    return result.stdout.decode().replace("\r", "")


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize("width", [60, 80, 132])
@pytest.mark.parametrize(
    "command",
    [("table", "antnet_g2"), ("compare", "e_antnet"), ("diff", "antnet_g1", "cifar100/antnet_c")],
)
def test_text_fits_the_terminal(width: int, command: tuple[str, ...]) -> None:
    output = plain(run_in_terminal(width, *command))
    assert max(map(len, output.splitlines())) <= width
    assert "total" in output or command[0] == "compare"


def test_colour_shows_on_a_terminal_only_and_honours_no_color(run: Run) -> None:
    assert "\x1b[" in run_in_terminal(100, "table", "antnet_g2")
    assert "\x1b[" not in run_in_terminal(100, "table", "antnet_g2", NO_COLOR="1")
    assert "\x1b[" not in run("table", "antnet_g2").stdout


def test_version_and_help(run: Run) -> None:
    assert run("--version").stdout == f"antcost {antcost.__version__}\n"
    for command in ("table", "compare", "diff", "specs", "schema"):
        assert command in run("--help").stdout
        assert "--help" in run(command, "--help").stdout
