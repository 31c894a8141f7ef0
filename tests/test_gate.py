"""`antcost gate`: limits to the unit, exit codes, and what GitHub shows of it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from test_imports import loaded
from typer.testing import Result

from antcost import analyze
from antcost.cost.budget import grown, read_bound, read_increase
from antcost.cost.device import Device
from antcost.cost.gate import check_budgets
from antcost.cost.measures import format_measure, measures
from antcost.tables.formats import render
from antcost.tables.table import Column, Table
from antcost.views.gate import COMMENT_CHARS, fit_comment

Run = Callable[..., Result]
Write = Callable[..., Path]

MADDS = 3 * 3 * 3 * 8 * 32 * 32 + 8 * 10
PARAMS = 3 * 3 * 3 * 8 + 2 * 8 + 8 * 10 + 10
PEAK = 4 * (2 * 8 * 32 * 32)
SPEC = """\
name: %s
input: [3, 32, 32]
classes: 10
stages:
  - {name: stem, block: conv, kernel: 3, channels: %d}
  - {name: pool, block: avgpool}
  - {name: head, block: linear, channels: classes}
"""
HOSTILE = "::error title=x::<b>|`*@me*` 100%0A, [a](b)\\_</details>"
DEVICE = "device: d\nkinds: {other: {us_per_layer: 1}}\n"


def spec(name: str = "net", channels: int = 8) -> str:
    return SPEC % (json.dumps(name), channels)


@pytest.fixture
def actions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A run in GitHub Actions, in a repository; the file of its summary."""
    summary = tmp_path / "summary"
    summary.write_text("before\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    return summary


@pytest.fixture(autouse=True)
def _no_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where these tests are run in GitHub Actions themselves."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)


@pytest.mark.parametrize(
    ("option", "count"),
    [
        ("--madds", MADDS),
        ("--params", PARAMS),
        ("--size", 4 * PARAMS),
        ("--peak-memory", PEAK),
    ],
)
def test_a_budget_holds_up_to_its_last_unit(
    run: Run, write_spec: Write, option: str, count: int
) -> None:
    path = str(write_spec(spec()))
    unit = "" if option in ("--madds", "--params") else "B"
    run("gate", path, option, f"<= {count}{unit}", exit_code=0)
    run("gate", path, option, f"<= {count - 1}{unit}", exit_code=1)


def test_a_lower_bound_holds_from_its_last_unit_on(run: Run, write_spec: Write) -> None:
    path = str(write_spec(spec()))
    run("gate", path, "--madds", f">= {MADDS}", exit_code=0)
    result = run("gate", path, "--madds", f">= {MADDS + 1}", "--madds", "<= 1M", exit_code=1)
    rows = [line.split() for line in result.stdout.splitlines() if "MAdds  " in line]
    assert [row[0] for row in rows] == ["fails", "holds"]
    assert rows[0][-1] == "-1"


def test_what_fails_is_said_first(run: Run, write_spec: Write) -> None:
    result = run("gate", str(write_spec(spec())), "--madds", "1M", "--params", "1", exit_code=1)
    rows = [line.split()[:2] for line in result.stdout.splitlines()]
    assert rows[4:6] == [["fails", "params"], ["holds", "MAdds"]]


def test_latency_is_predicted_for_a_device(run: Run, write_spec: Write) -> None:
    path, device = str(write_spec(spec())), str(write_spec(DEVICE, "device.yaml"))
    layers_us = round(measured_us(path, device))
    run("gate", path, "--latency", f"<= {layers_us}us", "--device", device, exit_code=0)
    run("gate", path, "--latency", f"<= {layers_us - 1}us", "--device", device, exit_code=1)
    options = ("--against", path, "--device", device)
    assert "Latency: predicted for d" in run("gate", path, *options).stdout
    wide = str(write_spec(spec(channels=9), "wide.yaml"))
    result = run("gate", wide, *options, "--format", "json", exit_code=1)
    assert "latency" in json.dumps(json.loads(result.stdout)["networks"][0]["difference"]["rows"])
    found = budgets(run("gate", path, *options, "--format", "json"))
    assert [(b["measure"], b["headroom"]) for b in found][-1] == ("latency", 0)


def measured_us(path: str, device: str) -> float:
    from antcost.cost.device import load_device

    return load_device(Path(device)).latency_ps(analyze(path)) / 10**6


@pytest.mark.parametrize(
    ("before", "text", "limit"),
    [
        (100, "1%", 101),
        (199, "1%", 200),
        (200, "0.5 %", 201),
        (1000, "0.1%", 1001),
        (999, "0.1%", 999),
        (3, "100%", 6),
        (7, "0%", 7),
        (0, "50%", 0),
        (10**18, "0.0000000000000001%", 10**18 + 1),
    ],
)
def test_a_share_of_growth_is_exact(before: int, text: str, limit: int) -> None:
    bound = grown(measures()["madds"], before, read_increase(text))
    assert bound.limit == limit
    assert bound.allows(limit)
    assert not bound.allows(limit + 1)


@pytest.mark.parametrize("text", ["1", "-1%", "%", "1%%", "1% more", "1e2%", "one%", "", "nan%"])
def test_what_is_no_percentage(run: Run, text: str) -> None:
    result = run("gate", "antnet_g1", "--against", "antnet_g2", "--max-increase", text, exit_code=2)
    assert f"expected a percentage such as 1%, got {text!r}" in result.output


def test_nothing_may_grow_if_no_share_is_given(run: Run, write_spec: Write) -> None:
    base, path = str(write_spec(spec())), str(write_spec(spec(channels=9), "wide.yaml"))
    run("gate", path, "--against", base, exit_code=1)
    run("gate", base, "--against", path)
    run("gate", base, "--against", base)


def test_growth_holds_up_to_its_last_unit(run: Run, write_spec: Write) -> None:
    base, path = str(write_spec(spec())), str(write_spec(spec(channels=9), "wide.yaml"))
    wide = 3 * 3 * 3 * 9 + 2 * 9 + 9 * 10 + 10
    result = run("gate", path, "--against", base, "--format", "json", exit_code=1)
    (row,) = (b for b in budgets(result) if b["measure"] == "params")
    assert (row["before"], row["value"], row["headroom"]) == (PARAMS, wide, PARAMS - wide)
    assert row["change"] == (wide - PARAMS) / PARAMS > 0
    run("gate", path, "--against", base, "--max-increase", "12.5%")
    result = run(
        "gate", path, "--against", base, "--max-increase", "12.4%", "--format", "json", exit_code=1
    )
    assert [b["measure"] for b in budgets(result) if not b["holds"]] == ["madds", "peak_memory"]


def budgets(result: Result) -> list[dict[str, object]]:
    (network,) = json.loads(result.stdout)["networks"]
    found: list[dict[str, object]] = network["budgets"]
    return found


def test_a_count_of_its_own_and_growth_both_have_to_hold(run: Run, write_spec: Write) -> None:
    base, path = str(write_spec(spec())), str(write_spec(spec(channels=9), "wide.yaml"))
    found = budgets(
        run("gate", path, "--params", "1M", "--against", base, "--format", "json", exit_code=1)
    )
    assert [(b["measure"], b["holds"]) for b in found] == [
        ("params", True),
        ("madds", False),
        ("params", False),
        ("peak_memory", False),
    ]


def test_a_budget_on_two_lines_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"expected such as <= 300M"):
        read_bound(measures()["madds"], "<= 3\n00M")


@pytest.mark.parametrize(("text", "limit"), [("<= 0.0025K", 2), (">= 0.0025K", 3), ("3", 3)])
def test_a_limit_between_two_units_is_the_one_inside(text: str, limit: int) -> None:
    assert read_bound(measures()["madds"], text).limit == limit


def test_exact_counts_have_the_unit_that_is_counted() -> None:
    known = measures(device=Device("d", {}))
    printed = [
        format_measure(known[name], 1_000, exact=True) for name in ("madds", "size", "latency")
    ]
    assert printed == ["1,000", "1,000 B", "1,000 ps"]


def test_verdicts_are_those_of_the_counts() -> None:
    cost, known = analyze("mobilenet_v2"), measures()
    bound = read_bound(known["traffic"], "<= 1MB")
    (verdict,) = check_budgets(cost, None, (bound,), read_increase("0%"), known)
    assert verdict.count == known["traffic"].of(cost)
    assert verdict.headroom == 10**6 - verdict.count
    assert verdict.change is None


def test_the_layers_that_changed_are_named(run: Run, write_spec: Write) -> None:
    base, path = write_spec(spec()), write_spec(spec(channels=9), "wide.yaml")
    result = run("gate", str(path), "--against", str(base), "--max-increase", "20%")
    assert f"3 layers changed from {base} (A) to {path} (B)" in result.stdout
    data = json.loads(
        run("gate", str(path), "--against", str(base), "--format", "json", exit_code=1).stdout
    )
    rows = data["networks"][0]["difference"]["rows"]
    assert [row["params_difference"] for row in rows] == [3 * 3 * 3, 2, 10]


def test_a_long_list_of_layers_is_folded_away(run: Run) -> None:
    long = ("gate", "antnet_g2", "--against", "antnet_g1", "--format", "markdown")
    text = run(*long).stdout
    assert text.count("<details>") == text.count("</details>") == 1
    assert "\n<summary>16 layers changed from antnet_g1 (A) to antnet_g2 (B)</summary>\n\n|" in text
    assert "<details>" not in run(*long[:-1], "text").stdout


def test_a_short_list_of_layers_is_not(run: Run, write_spec: Write) -> None:
    base, path = str(write_spec(spec())), str(write_spec(spec(channels=7), "narrow.yaml"))
    text = run("gate", path, "--against", base, "--format", "markdown").stdout
    assert "layers changed from" in text
    assert "<details>" not in text


def test_a_comment_is_as_long_as_github_takes(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "comment.md"
    run(
        "gate", "mobilenet*", "resnet*", "densenet*", "nasnet*", "--against", "antnet_g1",
        "--format", "markdown", "-o", str(output), exit_code=1,
    )  # fmt: skip
    text = output.read_text()
    assert COMMENT_CHARS // 2 < len(text) <= COMMENT_CHARS
    assert "Too long for a comment: " in text


@pytest.mark.parametrize("chars", [10, 300, 3_000])
def test_a_comment_is_as_long_as_github_takes_whatever_the_titles(chars: int) -> None:
    def table(title: str) -> Table[str]:
        return Table(title, (Column("a", "a", str),), ["x" * chars], ())

    tables = [table("main"), *(table(f"{i}{'|' * 150}") for i in range(300))]
    shown = fit_comment(tables, exact=False)
    text = "\n\n".join(render(each, "markdown") for each in shown)
    assert len(text) <= COMMENT_CHARS
    assert len(text) > COMMENT_CHARS / 2
    assert len(shown) > 5
    assert f"Too long for a comment: {len(tables) - len(shown)} tables of changed layers." in text
    assert fit_comment(tables[:3], exact=False) == tables[:3]


def test_every_spec_is_judged_whatever_is_wrong_with_others(run: Run, write_spec: Write) -> None:
    good, bad = write_spec(spec()), write_spec("name: x\n", "bad.yaml")
    result = run("gate", str(bad), str(good), "nothing", "--madds", "1", exit_code=2)
    assert result.stdout.startswith(
        "Failed: 0 of 1 budgets hold for net; 2 specs cannot be read\n\nverdict "
    )
    assert f"{bad}:1: input: missing" in result.stderr
    assert "nothing: no such file" in result.stderr
    run("gate", str(bad), "--madds", "1", exit_code=2)


def test_it_does_not_pass_if_a_spec_is_broken(run: Run, write_spec: Write) -> None:
    good, bad = str(write_spec(spec())), str(write_spec("name: x\n", "bad.yaml"))
    assert run("gate", good, "--madds", "1G").stdout.startswith("Passed: 1 of 1 budgets hold")
    both = ("gate", good, bad, "--madds", "1G")
    assert run(*both, exit_code=2).stdout.startswith(
        "Failed: 1 of 1 budgets hold for net; 1 spec cannot be read\n"
    )
    data = json.loads(run(*both, "--format", "json", exit_code=2).stdout)
    assert (data["holds"], data["unread"]) == (False, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], 'expected a budget, such as --madds "<= 300M", or --against BASE'),
        (["--max-increase", "1%", "--madds", "1M"], "--max-increase needs --against BASE"),
        (["--madds", "much"], "--madds: expected such as <= 300M"),
        (["--peak-memory", "<= 2M"], "--peak-memory: expected such as <= 2MiB"),
        (["--peak-memory", ">= 2MiB"], "--peak-memory: peak memory is a largest value"),
        (["--latency", "9ms"], "latency needs a device"),
        (["--device", "d.yaml", "--madds", "1M"], "--device needs --latency"),
        (["--against", "antnet_g9"], "antnet_g9: no such file and no such network"),
    ],
)
def test_mistakes_are_one_line(run: Run, options: list[str], message: str) -> None:
    result = run("gate", "antnet_g1", *options, exit_code=2)
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not result.stdout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with specs, and what they were before in the folder base."""
    for folder in (tmp_path, tmp_path / "base"):
        (folder / "specs").mkdir(parents=True)
        (folder / "specs/child.yaml").write_text("name: child\nextends: net.yaml\n")
    (tmp_path / "base/specs/net.yaml").write_text(spec())
    (tmp_path / "specs/net.yaml").write_text(spec(channels=9))
    (tmp_path / "specs/new.yaml").write_text(spec("new", channels=16))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_spec_is_compared_with_the_one_in_its_place(run: Run, checkout: Path) -> None:
    result = run("gate", "specs", "--against", "base", exit_code=1)
    for name in ("child", "net"):
        assert f"changed from base/specs/{name}.yaml (A) to specs/{name}.yaml (B)" in result.stdout
    assert "New, with nothing to compare with: specs/new.yaml." in result.stdout
    assert "before: " not in result.stdout  # there are two of them
    alone = run("gate", "specs/net.yaml", "--madds", "1G").stdout
    assert "New" not in alone
    absolute = run("gate", str(checkout / "specs/net.yaml"), "--against", "base", exit_code=1)
    assert "changed from base/specs/net.yaml (A)" in absolute.stdout


def test_a_folder_that_is_no_checkout_passes_nothing(run: Run, checkout: Path) -> None:
    (checkout.parent / "net.yaml").write_text(spec())
    result = run("gate", "specs/net.yaml", "--against", "base/specs", exit_code=2)
    assert "base/specs: has no specs/; expected a copy of this folder" in result.stderr
    for outside in ("mobilenet_v2", "../net.yaml"):
        result = run("gate", outside, "--against", "base", exit_code=2)
        assert f"{outside}: expected a file below this folder" in result.stderr


def annotations(result: Result) -> list[tuple[dict[str, str], str]]:
    """What the runner of GitHub reads of the lines: properties and messages, unescaped."""
    found = []
    for line in (result.stdout + result.stderr).splitlines():
        if line.lstrip().startswith("::"):
            _, command, message = line.split("::", 2)
            name, _, properties = command.partition(" ")
            assert name == "error"
            pairs = (pair.split("=", 1) for pair in properties.split(","))
            found.append(({key: unescaped(text) for key, text in pairs}, unescaped(message)))
    return found


def unescaped(text: str) -> str:
    for code, char in (("0D", "\r"), ("0A", "\n"), ("3A", ":"), ("2C", ","), ("25", "%")):
        text = text.replace(f"%{code}", char)
    return text


def test_annotations_point_at_the_name(run: Run, actions: Path, write_spec: Write) -> None:
    write_spec(f"# a comment\n{spec()}")
    result = run("gate", "net.yaml", "--madds", "100", "--params", "1M", exit_code=1)
    beyond = f"{MADDS - 100:,}"
    assert annotations(result) == [
        (
            {"file": "net.yaml", "line": "2", "title": "antcost gate"},
            f"MAdds of net: {MADDS:,}, which is {beyond} beyond <= 100",
        )
    ]
    assert "::" not in result.stdout


def test_annotations_point_at_what_made_a_stage_grow(
    run: Run, actions: Path, write_spec: Write
) -> None:
    write_spec(spec())
    write_spec(
        "name: wide\nextends: net.yaml\nset:\n  stem.kernel: 3\n  stem.channels: 9\n", "w.yaml"
    )
    result = run("gate", "w.yaml", "--against", "net.yaml", exit_code=1)
    assert {(place["file"], place["line"]) for place, _ in annotations(result)} == {("w.yaml", "5")}
    assert annotations(run("gate", "net.yaml", "--against", "w.yaml")) == []


def test_annotations_point_at_what_made_a_stage_cost_more_without_params(
    run: Run, actions: Path, write_spec: Write
) -> None:
    write_spec(spec().replace("channels: 8", "channels: 8, stride: 2"))
    write_spec("name: wide\nextends: net.yaml\nset:\n  stem.stride: 1\n", "w.yaml")
    result = run("gate", "w.yaml", "--against", "net.yaml", exit_code=1)
    assert {(place["file"], place["line"]) for place, _ in annotations(result)} == {("w.yaml", "4")}


def test_hostile_names_stay_text_in_annotations(run: Run, actions: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a, b::1%"
    folder.mkdir()
    (folder / "n,e:t%0A.yaml").write_text(spec(HOSTILE))
    result = run("gate", "a, b::1%/n,e:t%0A.yaml", "--madds", "1", exit_code=1)
    ((place, message),) = annotations(result)
    assert place["file"] == "a, b::1%/n,e:t%0A.yaml"
    assert message.startswith(f"MAdds of {HOSTILE}: ")


def test_a_broken_spec_is_annotated_on_its_lines(
    run: Run, actions: Path, write_spec: Write
) -> None:
    write_spec(spec().replace("kernel: 3", "kernel: x"))
    found = annotations(run("gate", "net.yaml", "nothing", "--madds", "1", exit_code=2))
    assert [place.get("line") for place, _ in found] == ["5", None]
    assert found[1][1].startswith("nothing: no such file")


def test_networks_outside_of_the_repository_have_no_place(run: Run, actions: Path) -> None:
    ((place, _),) = annotations(run("gate", "antnet_g1", "--madds", "1", exit_code=1))
    assert place == {"title": "antcost gate"}


def test_paths_are_those_of_the_repository(
    run: Run, actions: Path, write_spec: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "specs").mkdir()
    write_spec(spec(), "specs/net.yaml")
    monkeypatch.chdir(tmp_path / "specs")
    ((place, _),) = annotations(run("gate", "net.yaml", "--madds", "1", exit_code=1))
    assert place["file"] == "specs/net.yaml"


def test_the_summary_of_the_job_is_added_to(run: Run, actions: Path, write_spec: Write) -> None:
    write_spec(spec())
    for option in ("--madds", "--params"):
        run("gate", "net.yaml", option, "1", "--format", "json", exit_code=1)
    text = actions.read_text()
    assert text.startswith("before\n**Failed: 0 of 1 budgets hold for net**\n\n|")
    assert text.count("**Failed: ") == 2


def test_github_hears_nothing_elsewhere(
    run: Run, actions: Path, write_spec: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "false")
    write_spec(spec())
    assert annotations(run("gate", "net.yaml", "--madds", "1", exit_code=1)) == []
    assert actions.read_text() == "before\n"


def test_a_summary_that_cannot_be_written_is_one_line(
    run: Run, actions: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    result = run("gate", "antnet_g1", "--madds", "1G", exit_code=2)
    assert f"{tmp_path}: cannot be written: Is a directory" in result.stderr


def test_hostile_names_stay_text_in_markdown(run: Run, write_spec: Write) -> None:
    base = write_spec(spec(HOSTILE), "ba<s>|e.yaml")
    path = write_spec(spec(HOSTILE, channels=9), "<summary>|`x.yaml")
    options = ("--format", "markdown")
    text = run("gate", str(path), str(base), "--against", str(base), *options, exit_code=1).stdout
    assert "<" not in text.replace("\\<", "")
    rows = [line for line in text.splitlines() if line.startswith("|")][:8]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {9}
    folded = run("gate", "antnet_g1", "--against", str(path), *options, exit_code=1).stdout
    assert "&lt;summary&gt;|`x.yaml (A)" in folded
    assert folded.count("<summary>") == 1


def test_no_line_of_text_starts_with_what_a_spec_says(run: Run, write_spec: Write) -> None:
    """The runner of GitHub takes lines that start with :: for commands, after spaces."""
    first, second = write_spec(spec(HOSTILE)), write_spec(spec(HOSTILE), "::b.yaml")
    for paths in ([str(first)], [str(first), str(second)]):
        for output_format in ("text", "markdown", "csv", "json", "html"):
            result = run("gate", *paths, "--madds", "1", "--format", output_format, exit_code=1)
            assert not any(line.lstrip().startswith("::") for line in result.stdout.splitlines())


def test_no_slow_package_is_loaded(write_spec: Write) -> None:
    device = str(write_spec(DEVICE, "device.yaml"))
    assert loaded("gate", "antnet_g2", "--madds", "300M", "--against", "antnet_g1") == set()
    options = ["--latency", "1s", "--device", device, "--format", "markdown"]
    assert loaded("gate", "antnet_g2", *options) == set()


def test_what_it_prints_can_be_a_file(write_spec: Write, tmp_path: Path) -> None:
    """In GitHub Actions, too: annotations go to the other stream."""
    result = subprocess.run(
        [sys.executable, "-m", "antcost", "gate", str(write_spec(spec())), "--madds", "1",
         "--format", "json"],
        env={**os.environ, "GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tmp_path)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 1
    assert json.loads(result.stdout)["holds"] is False
    assert result.stderr.startswith("::error file=net.yaml,line=1,")
