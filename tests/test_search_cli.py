"""`antcost search` as a user types it: what it prints and writes, and how mistakes end."""

import json
import math
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import SECONDS, dask_cluster, process
from typer.testing import Result

import antcost
from antcost.search.space import SearchOptions, load_space, to_plain
from antcost.sources.specs.catalog import shipped_names, shipped_spaces

Run = Callable[..., Result]

TINY = """\
base: antnet_g1
choices:
  "ant[2-4].groups": {each: [1, 2, 4]}
  "ant[2-4].kernel": {shared: [3, 5]}
  ant2.reduction: {each: [null, 8]}
  width: {each: [0.5, 1.0]}
budget: {madds: <= 300M, params: <= 3.8M}
objective: zen
"""


@pytest.fixture
def tiny(write_spec: Callable[..., Path]) -> str:
    return str(write_spec(TINY, name="tiny.yaml"))


def test_shipped_searches_are_no_specs() -> None:
    assert set(shipped_spaces()) == {
        "antnet_300m",
        "antnet_g2_smaller",
        "antnet_mcu",
        "mobilenet_v2_width_resolution",
    }
    assert not [name for name in shipped_names() if name.startswith("search")]


def test_the_300m_space_has_about_10_to_the_18() -> None:
    space = load_space("antnet_300m")
    assert 5e17 < space.size < 5e18
    assert {variable.field for variable in space.variables} == {
        "channels", "expansion", "kernel", "reduction", "groups", "repeat",
    }  # fmt: skip
    assert [str(bound) for bound in space.bounds] == ["MAdds <= 300M", "params <= 3.4M"]


def test_the_best_is_written_as_a_spec_that_costs_the_same(
    run: Run, tiny: str, tmp_path: Path
) -> None:
    output = tmp_path / "best.yaml"
    text = run("search", tiny, "-o", str(output)).stdout
    assert text.startswith("ANTNet (g = 1), tiny: max zen = ")
    assert "Proven: none of the 216 networks is better." in text
    assert "entropy and zen are proxies" in text
    data = json.loads(run("search", tiny, "--format", "json").stdout)
    assert data["proven"]
    assert data["gap"] == 0
    cost = antcost.analyze(output)
    assert (cost.madds, cost.params) == (
        data["best"]["counts"]["madds"],
        data["best"]["counts"]["params"],
    )
    assert cost.madds <= 300_000_000
    assert cost.params <= 3_800_000
    head = output.read_text()
    assert f"# MAdds <= 300M: {cost.madds:,}\n" in head
    assert "extends: antnet_g1\n" in head
    assert antcost.load(output).name == "ANTNet (g = 1), found for tiny"


def test_a_base_in_a_file_is_extended_from_where_the_output_is(
    run: Run, write_spec: Callable[..., Path], tmp_path: Path
) -> None:
    write_spec("extends: antnet_g1\nname: Mine\nset: {ant2.kernel: 5}\n", name="mine.yaml")
    (tmp_path / "spaces").mkdir()
    write_spec(
        "base: ../mine.yaml\nchoices: {ant3.groups: {each: [1, 2]}}\nobjective: min madds\n",
        name="spaces/s.yaml",
    )
    output = tmp_path / "found" / "best.yaml"
    output.parent.mkdir()
    space = str(tmp_path / "spaces" / "s.yaml")
    run("search", space, "--set", "ant4.channels=72", "-o", str(output))
    assert "extends: ../mine.yaml\n" in output.read_text()
    spec = antcost.load(output)
    fields = [spec.stages[i].fields() for i in (2, 3, 4)]
    assert (fields[0]["kernel"], fields[1]["groups"], fields[2]["channels"]) == (5, 2, 72)


def test_everything_can_be_given_on_the_command_line(run: Run, tiny: str) -> None:
    same = run(
        "search", "antnet_g1", "--choose", "ant[2-4].groups=[1, 2, 4]",
        "--choose", "ant[2-4].kernel={shared: [3, 5]}", "--choose", "ant2.reduction=[null, 8]",
        "--choose", "width=[0.5, 1.0]", "--madds", "300M", "--params", "<= 3.8M",
        "--objective", "zen", "--format", "json",
    )  # fmt: skip
    asked, written = (
        json.loads(same.stdout),
        json.loads(run("search", tiny, "--format", "json").stdout),
    )
    assert asked["best"] == written["best"]
    limited = json.loads(run("search", tiny, "--madds", "200M", "--format", "json").stdout)
    assert limited["bounds"] == ["MAdds <= 200M", "params <= 3.8M"]
    ruled = run(
        "search", "antnet_g1", "--choose", "ant[2-4].groups=[1, 2]",
        "--rule", "ant[2-4].groups=equal", "--objective", "min madds", "--format", "json",
    )  # fmt: skip
    assert set(json.loads(ruled.stdout)["best"]["set"].values()) == {2}


def test_the_next_best(run: Run, tiny: str) -> None:
    text = run("search", tiny, "--top", "3").stdout
    assert "The best 3 networks" in text
    rows = [line for line in text.splitlines() if re.match(r" +[123]  ", line)]
    assert len(rows) == 3
    data = json.loads(run("search", tiny, "--within", "2%", "--format", "json").stdout)
    worths = [one["worth"] for one in data["top"]]
    assert worths == sorted(worths, reverse=True)
    assert worths[0] == data["best"]["worth"]
    assert all(worth >= 0.98 * worths[0] - 1e-9 for worth in worths)


def test_reranked_by_a_function(
    run: Run, tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(
        "def few(graph): return -len(graph.nodes)\n"
        "def broken(graph): raise ValueError('no')\n"
        "def none(graph): return float('nan')\n"
        "number = 3\n"
    )
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "best.yaml"
    options = ("--within", "5%", "--rerank", "mine:few", "-o", str(output))
    data = json.loads(run("search", tiny, *options, "--format", "json").stdout)
    assert data["scores"] == sorted(data["scores"], reverse=True)
    graph = antcost.build_graph(antcost.load(output))
    assert -len(graph.nodes) == data["scores"][0]
    for name, message in (
        ("mine:broken", "--rerank mine:broken: fails with ValueError: no\n"),
        ("mine:none", "--rerank mine:none: returned nan, which has no rank\n"),
        ("mine:number", "--rerank mine:number: is no function\n"),
        ("mine", "--rerank mine: expected MODULE:FUNCTION, such as my_scores:accuracy\n"),
        ("nobody:few", "--rerank nobody:few: No module named 'nobody'\n"),
    ):
        assert run("search", tiny, "--top", "2", "--rerank", name, exit_code=2).stderr == message
    error = run("search", tiny, "--rerank", "mine:few", exit_code=2).stderr
    assert error == "--rerank needs candidates to rank: --top N or --within PERCENT\n"


@pytest.mark.torch
def test_reranked_by_what_torch_says(
    run: Run, tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weigher.py").write_text(
        "def size(module): return sum(p.numel() for p in module.parameters())\n"
    )
    monkeypatch.chdir(tmp_path)
    options = ("--top", "3", "--rerank", "weigher:size", "--format", "json")
    data = json.loads(run("search", tiny, *options).stdout)
    assert data["scores"] == [one["counts"]["params"] for one in data["top"]]


def test_scores_of_a_user(run: Run, write_spec: Callable[..., Path], tmp_path: Path) -> None:
    scores = write_spec(
        "scores:\n"
        "  - {stage: 'ant[2-3]', groups: 2, score: 1.5}\n"
        "  - {stage: ant2, groups: 2, kernel: 5, score: -1}\n"
        "  - {stage: ant2, kernel: 5, score: 0.25}\n",
        name="scores.yaml",
    )
    choices = ("--choose", "ant[2-3].groups=[1, 2]", "--choose", "ant2.kernel=[3, 5]")
    command = ("search", "antnet_g1", *choices, "--objective", "scores")
    data = json.loads(run(*command, "--scores", str(scores), "--format", "json").stdout)
    assert data["best"]["worth"] == 3.0
    assert data["best"]["set"] == {"ant2.groups": 2, "ant3.groups": 2, "ant2.kernel": 3}
    assert "needs scores: FILE" in run(*command, exit_code=2).stderr
    bad = write_spec("scores:\n  - {stage: ant2, groups: 7, score: 1}\n", name="bad.yaml")
    error = run(*command, "--scores", str(bad), exit_code=2).stderr
    assert error == f"{bad}:2: scores[0]: ant2.groups: 7 is not among its choices\n"


def test_latency_of_a_device_is_a_budget_and_an_objective(
    run: Run, write_spec: Callable[..., Path]
) -> None:
    device = write_spec(
        "device: By hand\n"
        "kinds:\n"
        "  depthwise conv: {us_per_layer: 5, ps_per_madd: 400, ps_per_byte: 50}\n"
        "  other: {us_per_layer: 1, ps_per_madd: 20, ps_per_byte: 50}\n",
        name="device.yaml",
    )
    command = ("search", "antnet_g1", "--choose", "ant[2-6].repeat=[1, 2, 3]")
    fastest = json.loads(
        run(
            *command, "--device", str(device), "--objective", "min latency", "--format", "json"
        ).stdout
    )
    assert set(fastest["best"]["set"].values()) == {1}
    least = fastest["best"]["counts"]["latency"]
    assert fastest["best"]["worth"] == -least
    bounded = run(
        *command, "--device", str(device), "--latency", f"{2 * least / 1e9:.3f}ms",
        "--objective", "zen",
    ).stdout  # fmt: skip
    assert re.search(r"^latency +<= [\d.]+ms +[\d.]+ ms +[\d.]+ ms", bounded, re.MULTILINE)
    error = run(*command, "--latency", "9ms", "--objective", "zen", exit_code=2).stderr
    assert "latency needs a device" in error
    device.write_text("device: Bad\nkinds: {conv: {us_per_layer: -1}}\n")
    error = run(*command, "--device", str(device), "--objective", "zen", exit_code=2).stderr
    assert error == f"{device}:2: kinds.conv.us_per_layer: expected at least 0.0, got -1\n"
    device.write_text("device: Small\nkinds: {conv: {us_per_layer: 1}}\n")
    error = run(*command, "--device", str(device), "--objective", "zen", exit_code=2).stderr
    assert error == "Small: the device file knows no 'batch norm', and no 'other'\n"


def test_nothing_fits(run: Run, tiny: str) -> None:
    result = run("search", tiny, "--madds", "1M", exit_code=1)
    assert result.stdout.startswith("tiny: no network of 216 is within the budget\n")
    assert re.search(r"MAdds <= 1M +nothing else +[\d.]+M +conflict", result.stdout)
    assert re.search(r"params <= 3.8M +nothing else +[\d.]+M +fits", result.stdout)
    data = json.loads(run("search", tiny, "--madds", "1M", "--format", "json", exit_code=1).stdout)
    assert [one["kept"] for one in data["budgets"]] == [False, True]
    assert data["budgets"][0]["reachable"] > 1_000_000
    error = run("search", "antnet_g1", "--choose", "ant2.groups=[5, 7]", "--objective", "zen",
                exit_code=2).stderr  # fmt: skip
    assert error.startswith("antnet_g1: none of its networks can be built: --choose ant2.groups=")
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base: antnet_g1\n", "1: choices: missing; needed are base, choices"),
        ("base: nope\nchoices: {a.b: {each: [1]}}\n", "1: base: nope: no such file and no such"),
        ("base: antnet_g1\nchoices: {ant2.groups: [1, 2]}\n",
         "2: choices.ant2.groups: expected {each: [...]}, {shared: [...]} or {scale: [...]}"),
        ("base: antnet_g1\nchoices: {ant2.groups: {each: [1], shared: [2]}}\n",
         "2: choices.ant2.groups: expected one of each, shared and scale"),
        ("base: antnet_g1\nchoices: {ant2.grups: {each: [1]}}\n",
         "2: stages[2].grups: unknown field; did you mean 'groups'?"),
        ("base: antnet_g1\nchoices: {ant2.groups: {each: [1]}, 'ant*.groups': {each: [2]}}\n",
         "2: choices.ant*.groups: selects a field that ant2.groups selects, too"),
        ("base: antnet_g1\nchoices: {ant2.block: {each: [conv]}}\n",
         "2: choices.ant2.block: block cannot be chosen; it says what a stage is"),
        ("base: antnet_g1\nchoices: {ant2.groups: {each: []}}\n",
         "2: choices.ant2.groups.each: expected at least 1 of them, got []"),
        ("base: antnet_g1\nchoices: {ant2.groups: {each: [1, two]}}\n",
         "2: stages[2].groups: expected an integer, got 'two'"),
        ("base: antnet_g1\nchoices: {ant2.attention: {scale: [1]}}\n",
         "2: choices.ant2.attention: scale needs an integer to multiply, and the base has None; "),
        ("base: antnet_g1\nchoices: {ant2.groups: {each: [1]}}\nbudget: {madds: 3x}\n",
         "3: budget.madds: expected such as <= 300M, with one of the units"),
        ("base: antnet_g1\nchoices: {ant2.groups: {each: [1]}}\nbudget: {mads: 3M}\n",
         "3: budget.mads: no measure is called 'mads'; did you mean 'madds'?"),
        ("base: antnet_g1\nchoices: {ant2.groups: {each: [1]}}\nbudget: {peak_memory: '>= 1MiB'}\n",
         "3: budget.peak_memory: peak memory is a largest value; it has upper bounds only"),
        ("base: antnet_g1\nchoices: {ant2.groups: {each: [1]}}\nrules: {'ant*.groups': odd}\n",
         "3: rules.ant*.groups: expected equal, non-decreasing or spread <= N, got 'odd'"),
        ("base: antnet_g1\nchoices: {ant2.groups: {each: [1]}}\nobjective: zeal\n",
         "3: objective: objective 'zeal': expected entropy, zen, scores, or min or max"),
        ("base: antnet_g1\nchoices: {ant2.groups: {each: [1]}}\nobjective: {minimize: entropy}\n",
         "3: objective: entropy can be maximised only"),
        ("base: antnet_g1\nchoices: {ant2.groups: {each: [1]}}\nobjective: max peak_memory\n",
         "3: objective: peak_memory is a largest value, which adds to no other term"),
        ("base: antnet_g1\nchoices: {ant2.groups: {each: [1]}}\nobjectiv: zen\n",
         "3: objectiv: unknown field; did you mean 'objective'?"),
        ("base: antnet_g1\nchoices: {a: &a {each: [*a]}}\n",
         "2: grows too large when its aliases are expanded"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_one_line(
    run: Run, write_spec: Callable[..., Path], text: str, message: str
) -> None:
    path = write_spec(text, name="space.yaml")
    objective = () if "objectiv" in text else ("--objective", "zen")
    error = run("search", str(path), *objective, exit_code=2).stderr
    assert error.startswith(f"{path}:{message}"), error
    assert len(error.splitlines()) == 1


def test_other_mistakes_are_one_line(run: Run, tiny: str, tmp_path: Path) -> None:
    for arguments, message in (
        (("nope",), "nope: no such search; expected a file, a network, or a shipped search: "),
        (("antnet_g1",), "antnet_g1: choices: nothing to choose from; expected such as "),
        ((tiny, "--within", "3"), "--within: expected a percentage such as 1%, got '3'"),
        ((tiny, "--front", "nope"), "no measure is called 'nope'"),
        (
            (tiny, "--front", "madds,params,size"),
            "a front has at most 2 different axes, got madds, params, size",
        ),
        ((tiny, "--figure", "x.txt"), "x.txt: a figure ends in .svg, .pdf, .png"),
        ((tiny, "--choose", "ant2.groups"), "--choose ant2.groups: expected PATH=VALUE"),
        (
            (tiny, "-o", str(tmp_path / "no" / "x.yaml")),
            f"{tmp_path}/no/x.yaml: cannot be written: no such folder",
        ),
        ((tiny, "--cluster", "nowhere"), "--cluster: expected dask://host:port or ray://host:port"),
    ):
        error = run("search", *arguments, exit_code=2).stderr
        assert error.startswith(message), error
        assert len(error.splitlines()) == 1


def test_a_front(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "front.json"
    figure = tmp_path / "front.svg"
    run(
        "search", "antnet_g2_smaller", "--front", "madds", "--points", "5", "--format", "json",
        "-o", str(output), "--figure", str(figure), "--workers", "2",
    )  # fmt: skip
    data = json.loads(output.read_text())
    worths = [point["best"]["worth"] for point in data["points"]]
    assert len(worths) == 5
    assert worths == sorted(worths)
    for point in data["points"]:
        assert point["proven"]
        assert point["best"]["counts"]["madds"] <= point["limits"][0]
    assert data["points"][0]["best"]["counts"]["madds"] == data["points"][0]["limits"][0]
    names = [mark["name"] for mark in data["marks"]]
    assert names[0] == "ANTNet (g = 2)"
    assert "MobileNetV2" in names
    assert "<svg" in figure.read_text()


def test_a_time_limit_says_what_is_known(run: Run) -> None:
    text = run("search", "antnet_300m", "--objective", "max madds", "--time-limit", "2").stdout
    assert re.search(
        r"^Not proven: no network can be better than 300M, \+[\d.]+ % away", text, re.M
    )


def test_ctrl_c_prints_and_writes_what_is_known(tmp_path: Path) -> None:
    output = tmp_path / "best.yaml"
    command = [
        "-m", "antcost", "search", "antnet_300m", "--objective", "max madds", "--rho", "9",
        "-o", str(output),
    ]  # fmt: skip
    with process(*command) as running:
        with pytest.raises(subprocess.TimeoutExpired):
            running.communicate(timeout=5)
        running.send_signal(signal.SIGINT)
        stdout, _ = running.communicate(timeout=SECONDS)
    assert running.returncode == 130
    assert "Not proven" in stdout
    assert antcost.analyze(output).madds <= 300_000_000


def test_a_search_on_a_cluster_of_two_workers_is_that_of_one_process(
    run: Run, tiny: str, tmp_path: Path
) -> None:
    alone = json.loads(run("search", tiny, "--format", "json").stdout)
    with dask_cluster(tmp_path) as (address, _):
        command = ["-m", "antcost", "search", tiny, "--cluster", address, "--format", "json"]
        done = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, timeout=SECONDS, check=True
        )
    spread = json.loads(done.stdout)
    for name in ("best", "proven", "networks", "upper"):
        assert spread[name] == alone[name]


def test_int8_is_a_quarter_of_fp32() -> None:
    small, large = load_space("antnet_mcu"), load_space("antnet_300m")
    cost = antcost.analyze("antnet_g1")
    for name in ("size", "traffic", "peak_memory"):
        assert 4 * small.measures[name].of(cost) == large.measures[name].of(cost)


def test_the_front_has_no_infinity_in_json(run: Run) -> None:
    text = run("search", "antnet_g2_smaller", "--front", "madds", "--points", "2",
               "--time-limit", "0", "--format", "json").stdout  # fmt: skip
    data: dict[str, Any] = json.loads(text, parse_constant=lambda text: pytest.fail(text))
    assert all(not point["proven"] for point in data["points"])
    assert math.inf not in [point.get("upper") for point in data["points"]]


def test_options_are_part_of_the_space_and_of_its_plain_values() -> None:
    request = SearchOptions(("ant1.kernel=5",), budget={"madds": ["200M"]}, objective="min params")
    space = load_space("antnet_300m", request)
    assert [str(bound) for bound in space.bounds] == ["MAdds <= 200M", "params <= 3.4M"]
    assert space.base.title == "ANTNet (g = 1) with ant1.kernel=5"
    plain = to_plain(space)
    assert plain["search"]["budget"]["madds"] == ["200M"]
    assert plain["search"]["objective"] == str(space.objective) == "min params"
    assert plain["overrides"] == ["ant1.kernel=5"]


def test_two_sided_budgets_on_the_command_line(run: Run) -> None:
    command = ("search", "antnet_g2_smaller", "--objective", "min params", "--format", "json")
    data = json.loads(run(*command, "--madds", ">= 200M", "--madds", "<= 210M").stdout)
    assert data["bounds"] == ["MAdds >= 200M", "MAdds <= 210M", "params <= 2.5M"]
    assert 200_000_000 <= data["best"]["counts"]["madds"] <= 210_000_000
    assert data["prices"]["MAdds >= 200M"] <= 0


def test_what_is_read_is_not_written(run: Run, tiny: str, write_spec: Callable[..., Path]) -> None:
    mine = write_spec("extends: antnet_g1\nname: Mine\n", name="mine.yaml")
    command = ("search", str(mine), "--choose", "ant2.groups=[1, 2]", "--objective", "zen")
    for path, arguments in ((mine, command), (Path(tiny), ("search", tiny))):
        before = path.read_bytes()
        error = run(*arguments, "-o", str(path), exit_code=2).stderr
        assert error == f"{path}: is read by this search; choose another output\n"
        assert path.read_bytes() == before


def test_outputs_of_odd_names(
    run: Run, tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run("search", tiny, "-o", "antnet_g2")
    assert "found for tiny" in Path("antnet_g2").read_text()
    run("search", tiny, "-o", "/dev/null")
    assert run("search", tiny, "-o", ".", exit_code=2).stderr == (
        ".: cannot be written: is a folder\n"
    )


def test_a_front_of_scores_and_one_of_peaks(run: Run, write_spec: Callable[..., Path]) -> None:
    scores = write_spec("scores: [{stage: ant2, groups: 2, score: 1}]\n", name="scores.yaml")
    command = ("search", "antnet_g1", "--choose", "ant[2-3].groups=[1, 2]", "--points", "2")
    options = ("--objective", "scores", "--scores", str(scores), "--front", "madds")
    data = json.loads(run(*command, *options, "--format", "json").stdout)
    assert data["marks"] == []
    options = ("--objective", "min peak_memory", "--front", "madds", "--format", "json")
    data = json.loads(run(*command, *options).stdout)
    assert all(mark["worth"] == -mark["counts"]["peak_memory"] for mark in data["marks"])
    assert len(data["marks"]) > 5


def test_least_peak_memory_of_a_budget_that_nothing_fits(run: Run) -> None:
    command = ("search", "antnet_g1", "--choose", "ant2.groups=[1, 2]", "--objective")
    text = run(*command, "min peak_memory", "--peak-memory", "1KiB", exit_code=1).stdout
    assert re.search(r"peak memory <= 1KiB +nothing else +9.19 MiB +conflict", text)
    text = run(*command, "min peak_memory").stdout
    assert "Proven: none of the 2 networks is better." in text
    error = run(*command, "min peak_memory", "--top", "2", exit_code=2).stderr
    assert error == "the next best networks are found for sums only, not for largest values\n"


def test_what_is_proven_is_kept_if_the_next_best_are_not_found(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "best.yaml"
    result = run(
        "search", "antnet_300m", "--objective", "max madds", "--rho", "5", "--time-limit", "2",
        "--top", "3", "-o", str(output),
    )  # fmt: skip
    assert result.stderr == "the next best networks are known only once the best one is proven\n"
    assert "Not proven" in result.stdout
    assert antcost.analyze(output).madds <= 300_000_000


def test_options_that_do_not_go_together(run: Run, tiny: str) -> None:
    error = run("search", tiny, "--front", "madds", "--top", "3", exit_code=2).stderr
    assert error == "--front goes without --top, --within and --rerank\n"
    error = run("search", tiny, "--front", "madds,madds", exit_code=2).stderr
    assert error == "a front has at most 2 different axes, got madds, madds\n"


def test_a_latency_that_64_bits_do_not_hold(run: Run, write_spec: Callable[..., Path]) -> None:
    device = write_spec(
        "device: Slow\nkinds: {other: {ps_per_madd: 1000000}}\n", name="device.yaml"
    )
    error = run(
        "search", "vgg_16", "--choose", "resolution=[4096]", "--device", str(device),
        "--objective", "min latency", exit_code=2,
    ).stderr  # fmt: skip
    assert error.endswith(": takes more picoseconds than 64 bits hold\n")
