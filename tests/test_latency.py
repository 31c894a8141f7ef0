"""`antcost latency`: what is made of samples, and that a recording says the same again."""

import gc
import json
import os
import statistics
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from math import exp, isinf, log, sqrt
from pathlib import Path
from random import Random

import pytest
from clocks import CONDITIONS, FAKE, recorded, visit
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import Result

from antcost.charts.files import draw
from antcost.charts.latency import runs_figure, scatter_figure
from antcost.charts.style import PAGE
from antcost.errors import AntcostError
from antcost.measure.conditions import Snapshot, conditions
from antcost.measure.pinning import Pin
from antcost.measure.recording import Recording, load_recording, to_json
from antcost.measure.statistics import (
    Stat,
    disturbed,
    half_interval,
    latencies,
    log_ratios,
    quantile,
    rank_correlation,
    ratio,
    trimmed_mean,
)
from antcost.units import format_margin
from antcost.views.latency import latency_table

pytest.importorskip("scipy")

STATS: tuple[Stat, ...] = ("median", "antnet")
Run = Callable[..., Result]


# Statistics


def test_statistics_by_hand() -> None:
    assert trimmed_mean([9, 1, 5, 4]) == 4.5
    assert trimmed_mean([7]) == 7
    assert trimmed_mean([7, 9]) == 8
    assert quantile([10, 20, 30, 40, 50], 0.9) == 46
    assert quantile([5], 0.9) == 5
    # 4.302653 is Student's t for two degrees of freedom at 97.5 %, from any printed table.
    assert half_interval([1.0, 2.0, 3.0]) == pytest.approx(4.302653 / sqrt(3))
    assert isinf(half_interval([1.0]))
    assert rank_correlation([1, 2, 3, 4], [10, 30, 20, 40]) == pytest.approx(0.8)
    assert rank_correlation([1, 2, 3], [5, 5, 5]) is None


def test_times_of_undisturbed_visits_are_shown_where_only_times_differ() -> None:
    """Most visits lost the CPU and took twice as long, of both networks alike."""
    recording = recorded([[[[10.0], [20.0]]]] * 12)
    lost = [
        visit(session, number, subject, [ms], lost_ms=ms / 2)
        for session in range(12)
        for number in (1, 2)
        for subject, ms in enumerate((20.0, 40.0))
    ]
    _, row = latencies(replace(recording, visits=(*recording.visits, *lost)))
    assert row.quiet_speed_up is not None
    assert row.quiet_speed_up.value == pytest.approx(row.speed_up.value)
    assert (row.time_ns, row.quiet_ns) == (40e6, 20e6)
    assert row.differs


def test_others_are_busy_with_what_is_not_our_own() -> None:
    """Two CPUs worked 3 s in 2 s of time; 1.8 s of it were ours."""
    start = replace(Snapshot(), wall_s=0.0, own_cpu_s=1.0, busy_s=5.0)
    end = replace(start, wall_s=2.0, own_cpu_s=2.8, busy_s=8.0)
    assert conditions(start, end, Pin(), FAKE).others_cpus == pytest.approx(0.6)


def test_a_ratio_is_the_mean_over_sessions_of_medians_over_rounds() -> None:
    """Session 1: log-ratios of 2, 2 and 8, whose median is 2; session 2: of 3."""
    first = [[[4, 4, 9], [2, 2, 2]], [[2, 2, 2], [1, 1, 1]], [[8, 8, 8], [1, 1, 1]]]
    recording = recorded([first, [[[6, 6, 6], [2, 2, 2]]]])
    logs = log_ratios(recording.visits, 0, 1)
    assert logs == pytest.approx([log(2), log(3)])
    found = ratio(logs)
    # 12.7062 is Student's t for one degree of freedom at 97.5 %.
    half = 12.7062 * statistics.stdev([log(2), log(3)]) / sqrt(2)
    assert found.value == pytest.approx(sqrt(6))
    assert (found.low, found.high) == pytest.approx(
        (sqrt(6) / exp(half), sqrt(6) * exp(half)), rel=1e-5
    )
    base, other = latencies(recording)
    assert (base.speed_up.low, base.speed_up.value, base.speed_up.high) == (1, 1, 1)
    assert other.fastest == 2 / 1
    assert (other.time_ns, other.min_ns, other.runs) == (1.5e6, 10**6, 12)


def test_drift_that_both_networks_share_leaves_a_ratio_alone() -> None:
    drift = [1.0, 1.4, 0.9, 1.2, 2.0]
    recording = recorded([[[[6 * d] * 3, [4 * d] * 3]] for d in drift])
    assert latencies(recording)[1].speed_up.value == pytest.approx(1.5)
    assert latencies(recording)[1].speed_up.half_width == pytest.approx(0, abs=1e-6)


def drifting(rng: Random, sessions: int, rounds: int, apart: int) -> list[float]:
    """A common slowness in each round, autocorrelated over `apart` rounds of pause, too."""
    state, path = rng.gauss(0, 0.08), []
    for step in range(sessions * (rounds + apart)):
        state = 0.95 * state + rng.gauss(0, 0.08 * sqrt(1 - 0.95**2))
        if step % (rounds + apart) < rounds:
            path.append(exp(state))
    return path


def test_the_interval_covers_the_ratio_where_that_of_separate_runs_does_not() -> None:
    """Of 300 measurings with drift and with noise that has a tail."""
    rng, truth, sessions, rounds = Random(1), 1.08, 12, 3
    paired = separate = 0
    for _ in range(300):
        path = drifting(rng, sessions, rounds, apart=3)

        def run(ms: float) -> float:
            return ms * exp(rng.gauss(0, 0.03)) * (1.5 if rng.random() < 0.02 else 1)

        def rows(slowness: float) -> list[list[float]]:
            return [[run(ms * slowness) for _ in range(3)] for ms in (8 * truth, 8)]

        times = [
            [rows(slowness) for slowness in path[i : i + rounds]]
            for i in range(0, len(path), rounds)
        ]
        found = latencies(recorded(times))[1].speed_up
        paired += found.low <= truth <= found.high
        half = len(path) // 2
        first, second = (
            [log(run(ms * slowness)) for slowness in part for _ in range(3)]
            for ms, part in ((8 * truth, path[:half]), (8, path[half:]))
        )
        error = sqrt(
            statistics.variance(first) / len(first) + statistics.variance(second) / len(second)
        )
        difference = statistics.fmean(first) - statistics.fmean(second)
        separate += abs(difference - log(truth)) <= 2 * error
    assert 0.9 <= paired / 300 <= 0.99
    assert separate / 300 < 0.7


def test_a_visit_is_disturbed_by_what_it_lost() -> None:
    assert not disturbed(visit(0, 0, 0, [8, 8, 8], lost_ms=0.15), threads=1)
    assert disturbed(visit(0, 0, 0, [8, 8, 8], lost_ms=0.2), threads=1)
    assert not disturbed(visit(0, 0, 0, [1, 1], lost_ms=0.09), threads=1)
    stolen = replace(visit(0, 0, 0, [8]), steal_ticks=1)
    switched = replace(visit(0, 0, 0, [8], lost_ms=4), switches=1)
    assert disturbed(stolen, threads=1)
    assert disturbed(switched, threads=2)
    assert not disturbed(replace(switched, switches=0), threads=2)


# Tables and figures


@pytest.fixture
def three() -> Recording:
    """12 sessions of two rounds of three networks of 8, 7 and 4 ms."""
    rng = Random(5)

    def runs(ms: float) -> list[float]:
        return [ms * exp(rng.gauss(0, 0.02)) for _ in range(4)]

    return recorded([[[runs(8), runs(7), runs(4)] for _ in range(2)] for _ in range(12)])


def notes(recording: Recording) -> str:
    return "\n".join(map(str, latency_table(recording).notes))


def test_notes_say_how_it_was_measured(three: Recording) -> None:
    text = notes(three)
    assert "A CPU (avx2), 4 CPUs, pinned to CPU 3" in text
    assert "24 rounds in 12 sessions, prepared anew for each, over 12 s" in text
    assert "stopped when all intervals were within ±2 %" in text
    assert "Disturbed in" not in text
    assert "Other work" not in text
    assert "Prepared once" not in text
    assert "Prepared once" in notes(replace(three, fresh=False))
    timed_out = notes(replace(three, stopped="time"))
    assert "stopped by the time limit of 60 s; the widest interval is ±" in timed_out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pinned_to": (), "not_pinned": "no right"}, "not pinned (no right)"),
        ({"pinned_to": (), "not_pinned": "no right"}, "Not pinned to a CPU"),
        ({"others_cpus": 1.7}, "Other work kept 1.7 of 4 CPUs busy meanwhile."),
        ({"others_cpus": None, "load": 3.0}, "Other work kept 3.0 of 4 CPUs busy meanwhile."),
        (
            {"quota_cpus": 0.5, "throttled_ns": 2 * 10**9},
            "A quota of 0.5 CPUs held everything back for 2.00 s.",
        ),
        ({"quota_cpus": 0.5}, "A quota allows 0.5 CPUs, for 1 thread."),
        ({"governor": "powersave"}, "governor powersave"),
        ({"cpu": None, "simd": (), "cpus": None}, "\nLinux, pinned to CPU 3"),
    ],
)
def test_notes_flag_bad_conditions(three: Recording, changes: dict[str, object], said: str) -> None:
    assert said in notes(replace(three, conditions=replace(CONDITIONS, **changes)))


def test_few_sessions_are_flagged() -> None:
    text = notes(recorded([[[[8], [4]]]]))
    assert "Only 1 session: intervals can be trusted from 10 on." in text
    assert [cell[2] for cell in latency_table(recorded([[[[8], [4]]]])).cells()] == [
        "1.00x", "2.00x",
    ]  # fmt: skip


def test_undisturbed_visits_speak_where_they_say_something_else(three: Recording) -> None:
    assert "undisturbed" not in [column.header for column in latency_table(three).columns]
    slow = tuple(
        visit(v.session, v.round, v.subject, [16] * 4, lost_ms=8)
        if v.subject == 1 and v.session % 2
        else v
        for v in three.visits
    )
    table = latency_table(replace(three, visits=slow))
    row = dict(zip([column.key for column in table.columns], table.cells()[1], strict=True))
    assert row["disturbed"] == "50.0"
    assert row["quiet_speed_up"].startswith("1.1")
    assert "Disturbed in more than 10 % of the visits: 1 of 3 networks." in notes(
        replace(three, visits=slow)
    )
    never = tuple(
        visit(v.session, v.round, v.subject, [16] * 4, lost_ms=8) if v.subject == 1 else v
        for v in three.visits
    )
    table = latency_table(replace(three, visits=never))
    assert table.cells()[1][-2:] == ["", ""]


def test_the_paper_s_statistic(three: Recording) -> None:
    (row, *_) = latency_table(three, stat="antnet").items
    times = sorted(time for v in three.visits if v.subject == 0 for time in v.wall_ns)
    assert row.time_ns == statistics.fmean(times[1:-1])
    assert [column.header for column in latency_table(three, stat="antnet").columns][1] == "mean"


def test_notes_are_about_the_statistic_that_is_shown() -> None:
    """Means vary from session to session, medians hardly."""
    recording = recorded([[[[8] * 5, [4, 4, 4.001 + n % 2 / 100, 5 + n, 9]]] for n in range(12)])
    widths = {
        stat: format_margin(max(row.speed_up.half_width for row in latencies(recording, stat=stat)))
        for stat in STATS
    }
    assert widths["median"] != widths["antnet"]

    def said(one: Recording, stat: Stat) -> str:
        return "\n".join(map(str, latency_table(one, stat=stat).notes))

    means = f"; the widest interval of means is {widths['antnet']}."
    within = "stopped when all intervals of medians were within ±2 %"
    assert within + means in said(recording, "antnet")
    timed_out = replace(recording, stopped="time")
    assert f"limit of 60 s{means}" in said(timed_out, "antnet")
    assert f"limit of 60 s; the widest interval is {widths['median']}." in said(timed_out, "median")


def test_networks_of_one_name_are_told_apart(three: Recording) -> None:
    twice = replace(three, subjects=(three.subjects[0], *three.subjects[:2]))
    assert [row.label for row in latencies(twice)] == ["Net A #1", "Net A #2", "Net B"]


def test_only_what_was_asked_for_is_shown(three: Recording) -> None:
    first, second, third = three.subjects
    silent = replace(three, subjects=(first, second, replace(third, asked=False)), reference=2)
    assert [row.label for row in latencies(silent)] == ["Net A", "Net B"]
    assert "In every round, for comparison: Net C, " in notes(silent)
    assert [row.label for row in latencies(silent, 2)] == ["Net A", "Net B", "Net C"]
    assert "for comparison" not in notes(replace(silent, baseline=2))


def test_figures_show_every_run(three: Recording) -> None:
    pytest.importorskip("altair")
    slow = replace(three, visits=(*three.visits[:-1], visit(11, 1, 2, [90], lost_ms=50)))
    chart = runs_figure(slow).to_dict()
    (boxes, *_) = chart["layer"]
    assert boxes["encoding"]["x"]["scale"]["type"] == "log"
    low, high = boxes["encoding"]["x"]["scale"]["domain"]
    assert low < 4
    assert high > 90
    drawn = chart["datasets"][boxes["data"]["name"]]
    places = [row for row in drawn if row["from"] <= 90 <= row["to"]]
    assert {row["what"] for row in places} == {"something else had the CPU"}
    plain = runs_figure(three).to_dict()["layer"][0]["encoding"]["x"]["scale"]
    assert plain["type"] == "linear"
    assert plain["domain"][0] > 0
    panels = scatter_figure(three).to_dict()["hconcat"]
    assert [panel["title"] for panel in panels] == [
        "rank correlation -1.00", "", "rank correlation -1.00",
    ]  # fmt: skip
    with pytest.raises(AntcostError, match="needs 3 networks, not 2"):
        scatter_figure(recorded([[[[8], [4]]]]))


@pytest.mark.parametrize("name", ["N", "ANTNet (g = 2) " * 9, "网络\N{ROCKET}" * 40])
def test_figures_are_as_wide_as_a_page(three: Recording, name: str, tmp_path: Path) -> None:
    pytest.importorskip("altair")
    named = replace(three, subjects=tuple(replace(each, title=name) for each in three.subjects))
    for chart in (runs_figure(named), scatter_figure(named)):
        draw(chart, tmp_path / "figure.svg")
        width = float(ET.parse(tmp_path / "figure.svg").getroot().attrib["width"])
        assert PAGE - 70 <= width <= PAGE


# Files


def test_a_recording_is_read_as_it_was_written(three: Recording, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(to_json(three))
    assert load_recording(path) == three
    assert len(path.read_text().splitlines()) < len(three.visits) + 120


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("format",), 2, "format: Input should be 1"),
        (("extra",), 1, "extra: "),
        (("subjects",), [], "subjects: "),
        (("subjects", 0, "madds"), -1, "subjects.0.madds: "),
        (("subjects", 0, "title"), "\x1b[31mred", "subjects.0.title: "),
        (("subjects", 0, "title"), "x" * 501, "subjects.0.title: "),
        (("reference",), 3, "there are 3 subjects"),
        (("baseline",), -1, "baseline: "),
        (("settings", "threads"), 0, "threads and batch are at least 1"),
        (("settings", "dtype"), "fp8", "settings.dtype: "),
        (("conditions", "load"), "high", "conditions.load: "),
        (("target",), 0, "target: "),
        (("stopped",), "boredom", "stopped: "),
        (("visits",), [], "visits: "),
        (("visits", 0, "wall_ns"), [], "visits.0.wall_ns: "),
        (("visits", 0, "wall_ns"), [0], "visits.0.wall_ns.0: "),
        (("visits", 0, "wall_ns"), [2**60], "visits.0.wall_ns.0: "),
        (("visits", 0, "wall_ns"), [1.5], "visits.0.wall_ns.0: "),
        (("visits", 0, "wall_ns"), [1], "as many wall_ns as cpu_ns"),
        (("visits", 0, "subject"), 1, "every round visits every subject once"),
        (("visits", 0, "subject"), 7, "every round visits every subject once"),
        (("visits", 0, "session"), "1", "visits.0.session: "),
    ],
)
def test_a_recording_that_is_wrong_is_refused(
    three: Recording, tmp_path: Path, path: tuple[str | int, ...], value: object, message: str
) -> None:
    data = json.loads(to_json(three))
    *steps, last = path
    part = data
    for step in steps:
        part = part[step]
    part[last] = value
    file = tmp_path / "r.json"
    file.write_text(json.dumps(data))
    with pytest.raises(AntcostError) as error:
        load_recording(file)
    assert str(error.value).startswith(f"{file}: no recording of antcost latency: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_garbage_is_refused_in_one_line(
    data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("garbage") / "r.json"
    file.write_bytes(data)
    with pytest.raises(AntcostError) as error:
        load_recording(file)
    assert str(error.value).isprintable()


def test_depth_and_size_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "r.json"
    file.write_text("[" * 100_000)
    with pytest.raises(AntcostError, match="no recording"):
        load_recording(file)
    monkeypatch.setattr("antcost.measure.recording.MOST_BYTES", 1000)
    with pytest.raises(AntcostError, match="too large"):
        load_recording(file)


# The command


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antcost.cli.latency.find_engine", lambda name, settings: FAKE)


SHORT = ("--time-limit", "1", "--target", "90%")


@pytest.mark.usefixtures("fake")
def test_a_recording_reprints_every_format(run: Run, tmp_path: Path) -> None:
    file = str(tmp_path / "r.json")
    first = run("latency", "mobilenet_v2", "antnet_g2", *SHORT, "-o", file).stdout
    assert first == run("latency", "--from", file).stdout
    assert first.startswith("Latency of 2 networks by fake\n")
    assert "MobileNetV2" in first
    for form in ("markdown", "latex", "csv", "json", "html"):
        shown = run("latency", "--from", file, "--format", form).stdout
        assert shown == run("latency", "--from", file, "--format", form).stdout
    text = run("latency", "--from", file, "--format", "csv").stdout
    header, base, _ = (line.split(",") for line in text.splitlines())
    assert dict(zip(header, base, strict=True))["speed_up"] == "1.0"


@pytest.mark.usefixtures("fake")
def test_one_network_is_compared_with_the_reference(run: Run) -> None:
    data = json.loads(run("latency", "antnet_g2", *SHORT, "--format", "json").stdout)
    assert data["baseline"] == data["reference"] == "MobileNetV2"
    assert [row["network"] for row in data["networks"]] == ["ANTNet (g = 2)", "MobileNetV2"]


@pytest.mark.usefixtures("fake")
def test_baselines(run: Run, tmp_path: Path) -> None:
    file = str(tmp_path / "r.json")
    names = ("antnet_g1", "antnet_g2")
    data = json.loads(run("latency", *names, *SHORT, "--format", "json", "-o", file).stdout)
    assert data["baseline"] == "ANTNet (g = 1)"
    assert data["reference"] == "MobileNetV2"
    assert len(data["networks"]) == 2
    assert len(load_recording(Path(file)).subjects) == 3
    for name in ("mobilenet_v2", "MobileNetV2"):
        other = run("latency", "--from", file, "--baseline", name, "--format", "json").stdout
        assert json.loads(other)["baseline"] == "MobileNetV2"
        assert len(json.loads(other)["networks"]) == 3
    added = run("latency", *names, *SHORT, "--format", "json", "--baseline", "e_antnet").stdout
    assert json.loads(added)["baseline"] == "e-ANTNet"
    unknown = run("latency", "--from", file, "--baseline", "antnet_g3", exit_code=2).stderr
    assert unknown.startswith("--baseline antnet_g3: was not measured; ")


@pytest.mark.usefixtures("fake")
def test_the_reference_is_never_the_one_that_was_changed(run: Run, tmp_path: Path) -> None:
    file = str(tmp_path / "r.json")
    run("latency", "mobilenet_v2", "--set", "width=0.5", *SHORT, "-o", file)
    changed, reference = load_recording(Path(file)).subjects
    assert (changed.title, reference.title) == ("MobileNetV2 with width=0.5", "MobileNetV2")
    assert changed.madds < reference.madds


@pytest.mark.usefixtures("fake")
def test_networks_that_fail_are_reported_after_the_others(run: Run) -> None:
    result = run("latency", "mobilenet_v2", "no_such", *SHORT, exit_code=1)
    assert "1 network by fake" in result.stdout
    assert result.stderr.startswith("no_such: no such file")
    for device in ((), ("--device", str(ROOT / "reports" / "epyc.json"))):
        result = run("latency", "no_such", *device, exit_code=2)
        assert result.stdout == ""
        assert result.stderr.startswith("no_such: no such file")


@pytest.mark.usefixtures("fake")
def test_rounds_are_random_complete_and_repeatable(run: Run, tmp_path: Path) -> None:
    def orders(seed: int) -> list[tuple[int, ...]]:
        file = tmp_path / f"{seed}.json"
        run("latency", "antnet_g1", "antnet_g2", *SHORT, "--seed", str(seed), "-o", str(file))
        rounds: dict[tuple[int, int], tuple[int, ...]] = {}
        for one in load_recording(file).visits:
            key = (one.session, one.round)
            rounds[key] = (*rounds.get(key, ()), one.subject)
        return list(rounds.values())

    first, again, other = orders(1), orders(1), orders(2)
    assert len(set(first)) > 1
    assert first[:5] == again[:5] != other[:5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name networks to measure"),
        (("mobilenet_v2", "--engine", "onxruntime"), "did you mean 'onnxruntime'?"),
        (("mobilenet_v2", "--target", "2"), "--target: expected a percentage such as 1%, got '2'"),
        (("mobilenet_v2", "--target", "0%"), "expected a percentage"),
        (("mobilenet_v2", "--target", "nan%"), "expected a percentage"),
        (("mobilenet_v2", "--time-limit", "0"), "--time-limit"),
        (("mobilenet_v2", "--threads", "0"), "--threads"),
        (("mobilenet_v2", "-o", "no/such/folder.json"), "cannot be written: no such folder"),
        (("mobilenet_v2", "-o", "."), "cannot be written: is a folder"),
        (("mobilenet_v2", "--figure", "x.gif"), "a figure ends in"),
        (("--from", "."), "cannot be read: Is a directory"),
        (("--from", "no_such.json"), "cannot be read: No such file"),
        (("--from", "r.json", "-o", "s.json"), "it goes without -o"),
        (("--from", f"{ROOT}/pyproject.toml"), "no recording of antcost latency: "),
        (("mobilenet_v2", "--from", "r.json"), "it goes without SPEC"),
        (("--from", "r.json", "--threads", "2"), "it goes without --threads"),
        (("--from", "r.json", "--set", "a=1"), "it goes without --set"),
    ],
)
def test_mistakes_end_in_one_line(run: Run, arguments: tuple[str, ...], message: str) -> None:
    result = run("latency", *arguments, exit_code=2)
    assert message in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_a_folder_that_must_not_be_written_is_refused_before_any_work(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    result = run("latency", "mobilenet_v2", "-o", str(tmp_path / "r.json"), exit_code=2)
    assert result.stderr == f"{tmp_path / 'r.json'}: cannot be written: no permission\n"


def test_too_few_networks_for_a_scatter_are_refused_before_any_work(run: Run) -> None:
    pytest.importorskip("altair")
    pytest.importorskip("onnxruntime")
    result = run("latency", "mobilenet_v2", "--scatter", "x.svg", exit_code=2)
    assert result.stderr == "--scatter needs 3 networks, not 1\n"


def test_what_an_engine_says_against_a_network_is_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(graph: object, settings: object) -> None:
        raise RuntimeError("[ONNXRuntimeError] : 9 : no kernel\nand a stack of C++")

    refusing = replace(FAKE, prepare=refuse)  # type: ignore[arg-type]
    monkeypatch.setattr("antcost.cli.latency.find_engine", lambda name, settings: refusing)
    result = run("latency", "mobilenet_v2", exit_code=2)
    assert result.stderr == "MobileNetV2: fake: [ONNXRuntimeError] : 9 : no kernel\n"


@pytest.mark.usefixtures("fake")
def test_everything_is_put_back(run: Run) -> None:
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    assert gc.isenabled()
    run("latency", "mobilenet_v2", "--time-limit", "0.2")
    assert gc.isenabled()
    if before is not None:
        assert os.sched_getaffinity(0) == before


def test_onnxruntime_itself(run: Run) -> None:
    pytest.importorskip("onnxruntime")
    text = run("latency", f"{ROOT}/specs/mobilenet_v3_small.yaml", "--time-limit", "1").stdout
    assert text.startswith("Latency of 2 networks by onnxruntime\n")
    assert "onnxruntime, fp32, batch norm folded, 1 thread, 1 image at once; antcost " in text
