"""The commands as a user types them: output, files, errors and exit codes."""

import csv
import io
import json
import os
import re
import shutil
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
from antcost.blocks.registry import STAGE_MODELS
from antcost.spec.catalog import shipped_names
from antcost.spec.schema import json_schema

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
    ("by", "rows"), [("layer", 141), ("block", 21), ("stage", 11), ("kind", 6)]
)
def test_table_rows(run: Run, by: str, rows: int) -> None:
    data = json.loads(run("table", "antnet_g2", "--by", by, "--format", "json").stdout)
    assert len(data["rows"]) == rows
    assert sum(row["params"] for row in data["rows"]) == data["total"]["params"] == 3_340_328
    assert sum(row["madds"] for row in data["rows"]) == data["total"]["madds"] == 258_089_152


def test_table_shows_free_layers_when_asked(run: Run) -> None:
    data = json.loads(run("table", "antnet_g2", "--all", "--format", "json").stdout)
    assert len(data["rows"]) == 274
    assert "Free rows not shown: 133 (--all)." in run("table", "antnet_g2").stdout


def test_table_json_is_exact(run: Run) -> None:
    data = json.loads(run("table", "mobilenet_v2", "--format", "json").stdout)
    assert (data["antcost"], data["network"], data["convention"]) == (
        antcost.__version__,
        "MobileNetV2",
        "madds",
    )
    assert data["total"] == {
        "params": 3_504_872,
        "madds": 300_774_272,
        "flops": 601_548_544,
        "param_bytes": 4 * 3_504_872,
        "activations": 19_681_960,
        "traffic_bytes": 172_938_816,
        "peak_memory_bytes": 4 * 2 * 96 * 112 * 112,
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
        "params": 864,
        "madds": 864 * 112 * 112,
        "flops": 2 * 864 * 112 * 112,
        "activations": 32 * 112 * 112,
        "traffic_bytes": 4 * (3 * 224 * 224 + 864 + 32 * 112 * 112),
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
    assert [peak["peak_memory_bytes"] for peak in peaks] == [4 * (192 + 192), 4 * (64 + 192)]
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
    assert networks[2]["total"] == table["total"]


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
    error = run("compare", "antnet_g1", "--baseline", "antnet_g2", exit_code=2).stderr
    assert error.startswith("no baseline 'antnet_g2' among the networks; did you mean")


def test_compare_shows_the_others_when_one_fails(run: Run, write_spec: Callable[..., Path]) -> None:
    broken = write_spec("name: 3\n")
    result = run("compare", "antnet_g1", str(broken), "nowhere.yaml", exit_code=1)
    assert "ANTNet (g = 1)" in result.stdout
    assert f"{broken}:1: name: expected text, got 3" in result.stderr
    assert "nowhere.yaml: no such file" in result.stderr


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


def test_diff_of_a_network_with_itself_is_empty(run: Run) -> None:
    data = json.loads(run("diff", "antnet_g1", "antnet_g1", "--format", "json").stdout)
    assert data["rows"] == []
    assert set(data["total"]["difference"].values()) == {0}


def test_specs_lists_what_ships(run: Run) -> None:
    text = run("specs").stdout
    assert all(name in text for name in shipped_names())
    data = json.loads(run("specs", "--format", "json").stdout)
    assert [row["name"] for row in data["networks"]] == shipped_names()


def test_the_schema_accepts_every_shipped_spec_and_refuses_mistakes(run: Run) -> None:
    schema = json.loads(run("schema").stdout)
    assert schema == json_schema(STAGE_MODELS)
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
    path = write_spec(f'extends: antnet_g1\nname: "{HOSTILE}"\n')
    for command in ("table", "compare"):
        output = run(command, str(path), "--format", output_format).stdout
        assert expected in output
        assert forbidden not in output


def test_latex_has_booktabs_rules_and_nothing_else_of_a_package(run: Run) -> None:
    text = run("table", "antnet_g2", "--by", "stage", "--format", "latex").stdout
    for command in (r"\toprule", r"\bottomrule", r"\begin{table}", r"\end{table}"):
        assert text.count(command) == 1
    assert text.count(r"\midrule") == 2
    assert r"fc10 & linear & 2 & 1280x1x1 & 1000 & 1.28M & 38.3 & 1.28M & 0.5 \\" in text
    assert r"\hline" not in text


LATEX_DOCUMENT = r"""\documentclass[twocolumn]{article}
\usepackage{booktabs}
\begin{document}
%s
\end{document}
"""


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="needs pdflatex")
def test_latex_compiles_as_pasted(
    run: Run, write_spec: Callable[..., Path], tmp_path: Path
) -> None:
    hostile = write_spec(f'extends: antnet_g1\nname: "{HOSTILE}"\n')
    starred = write_spec('extends: antnet_g1\nname: "[*] | &"\n', "starred.yaml")
    tables = [
        run(*command, "--format", "latex").stdout
        for command in (
            ("table", str(hostile)),
            ("compare", str(hostile), str(starred), str(ROOT / "specs")),
            ("diff", str(starred), "antnet_g2", "--all"),
        )
    ]
    (tmp_path / "doc.tex").write_text(LATEX_DOCUMENT % "\n".join(tables))
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "doc.tex"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert result.returncode == 0, result.stdout[-2000:]


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
