"""Devices: what their kernels are, what is learned of them, and what they predict."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from conftest import network
from typer.testing import Result

import antcost
from antcost.cost.analysis import analyze_graph
from antcost.cost.device import OTHER, Device, Errors, Rates, Seen, load_device
from antcost.cost.kernels import KernelWork, kernel_work
from antcost.graph.operators import kind
from antcost.sources.specs.catalog import shipped_names

pytest.importorskip("scipy", reason="needs the latency extra")

from clocks import recorded, visit
from devices import engine_of, known_device, layers_ns

from antcost.measure.engines import LayerTimes, Settings
from antcost.measure.learning import Sample, fit_rates
from antcost.measure.lineup import Lineup
from antcost.measure.profiling import (
    Plan,
    Trial,
    device_file,
    kernel_times,
    latencies_ns,
    profile,
    trial_errors,
)
from antcost.measure.random_networks import MADDS, random_networks
from antcost.measure.recording import Recording

MIB = 2**20


def work_of(stage: dict[str, Any], shape: tuple[int, int, int], block: int = 16) -> KernelWork:
    """The work of the first layer of a stage."""
    cost = antcost.analyze(network({"name": "s", **stage}, input_shape=shape))
    return kernel_work(cost, block, 4 * MIB)[0]


CONVOLUTIONS = [
    # block, fields, input, kind, madds, input and output elements, groups
    (16, {"kernel": 1, "channels": 20}, (24, 10, 10), "pointwise conv",
     32 * 32 * 100, 32 * 100, 32 * 100, 0),
    (8, {"kernel": 1, "channels": 20}, (24, 10, 10), "pointwise conv",
     24 * 24 * 100, 24 * 100, 24 * 100, 0),
    (1, {"kernel": 1, "channels": 20}, (24, 10, 10), "pointwise conv",
     24 * 20 * 100, 24 * 100, 20 * 100, 0),
    (16, {"kernel": 3, "channels": 16, "stride": 2}, (3, 10, 10), "conv of an image",
     9 * 3 * 16 * 25, 3 * 100, 16 * 25, 0),
    (16, {"kernel": 3, "channels": 40, "groups": 40}, (40, 10, 10), "depthwise conv",
     9 * 48 * 100, 48 * 100, 48 * 100, 0),
    (16, {"kernel": 3, "channels": 64, "groups": 2}, (32, 10, 10), "grouped conv",
     9 * 2 * 16 * 32 * 100, 32 * 100, 64 * 100, 0),
    (16, {"kernel": 1, "channels": 21}, (24, 10, 10), "unaligned pointwise conv",
     24 * 21 * 112, 24 * 100, 21 * 100, 1),
    (16, {"kernel": 3, "channels": 42, "groups": 42}, (42, 10, 10), "unaligned depthwise conv",
     9 * 42 * 112, 42 * 100 + 9 * 42 * 100, 42 * 100, 42),
    (16, {"kernel": 3, "channels": 24, "groups": 2}, (32, 10, 10), "unaligned grouped conv",
     9 * 16 * 24 * 112, 32 * 100 + 9 * 32 * 100, 24 * 100, 2),
]  # fmt: skip


@pytest.mark.parametrize(
    ("block", "fields", "shape", "kind", "madds", "read", "written", "groups"), CONVOLUTIONS
)
def test_convolutions_work_on_whole_blocks(
    block: int,
    fields: dict[str, Any],
    shape: tuple[int, int, int],
    kind: str,
    madds: int,
    read: int,
    written: int,
    groups: int,
) -> None:
    work = work_of({"block": "conv", **fields}, shape, block)
    assert work.kinds[0] == kind
    assert (work.madds, work.groups) == (madds, groups)
    assert (work.input_bytes, work.output_bytes) == (4 * read, 4 * written)
    assert work.window == fields["kernel"] ** 2


def test_pools_read_a_pixel_for_every_window_and_spill_what_no_cache_holds() -> None:
    pool = {"block": "maxpool", "kernel": 3, "stride": 2}
    work = work_of(pool, (32, 256, 256))
    assert work.kinds == ("max pool",)
    assert (work.input_bytes, work.window) == (4 * 9 * 32 * 128 * 128, 9)
    assert work.spilled_bytes == 4 * 32 * (256 * 256 + 128 * 128) - 4 * MIB
    assert work_of(pool, (24, 64, 64)).kinds == ("unaligned max pool", "max pool")
    assert work_of(pool, (24, 64, 64)).spilled_bytes == 0


def test_kinds_say_what_a_runtime_merges() -> None:
    kinds = {
        work.kinds[0]
        for name in ("antnet_g2", "resnet_18", "densenet_121", "mobilenet_v3_small")
        for work in kernel_work(antcost.analyze(name), 16, 4 * MIB)
    }
    assert kinds >= {
        "conv of an image", "batch norm after conv", "batch norm", "relu6 after conv", "relu",
        "relu after add after conv", "add after conv", "global average pool of attention",
        "global average pool", "average pool after conv", "hardswish after conv", "multiply",
    }  # fmt: skip


@pytest.mark.parametrize("name", shipped_names())
def test_a_block_of_one_has_the_multiply_adds_of_the_tables(name: str) -> None:
    cost = antcost.analyze(name)
    every = kernel_work(cost, 1, 4 * MIB)
    assert sum(work.madds for work in every) == cost.madds
    assert sum(work.traffic_bytes for work in every) == sum(
        4 * (row.params + row.output.numel + sum(s.numel for s in row.nodes[0].input_shapes))
        for row in cost.layers
    )


def test_rates_are_found_again() -> None:
    costs = [network.cost for network in islice(random_networks(3), 48)]
    truth = known_device(costs)
    samples = [
        Sample(cost, sum(layers_ns(truth, cost.graph).values()), layers_ns(truth, cost.graph))
        for cost in costs[:40]
    ]
    device = fit_rates("Learned", samples)
    assert device.block == truth.block
    for cost in costs[40:]:
        assert device.latency_ps(cost) == pytest.approx(truth.latency_ps(cost), rel=0.01)


def test_what_a_profiler_adds_is_taken_off() -> None:
    costs = [network.cost for network in islice(random_networks(4), 34)]
    truth = known_device(costs)
    samples = []
    for cost in costs[:30]:
        layers = layers_ns(truth, cost.graph)
        slower = {name: 1.1 * ns + 4000 for name, ns in layers.items()}
        samples.append(Sample(cost, sum(layers.values()), slower))
    device = fit_rates("Learned", samples)
    for cost in costs[30:]:
        assert device.latency_ps(cost) == pytest.approx(truth.latency_ps(cost), rel=0.02)


def test_whole_networks_decide_where_kernels_disagree_with_them() -> None:
    """A profiler that sees half of the time of every depthwise convolution."""
    costs = [network.cost for network in islice(random_networks(5), 34)]
    truth = known_device(costs)
    samples = []
    for cost in costs[:26]:
        layers = layers_ns(truth, cost.graph)
        seen = {
            node.name: layers[node.name] / (2 if kind(node) == "depthwise conv" else 1)
            for node in cost.graph.nodes
            if node.name in layers
        }
        samples.append(Sample(cost, sum(layers.values()), seen))
    device = fit_rates("Learned", samples)
    errors = [abs(device.latency_ps(cost) / truth.latency_ps(cost) - 1) for cost in costs[26:]]
    assert median(errors) < 0.015  # kernels alone: 0.027


def test_random_networks_are_the_same_for_a_seed_and_of_a_size() -> None:
    first, again, other = (list(islice(random_networks(seed), 12)) for seed in (0, 0, 1))
    assert first == again
    assert not any(a == b for a, b in zip(first, other, strict=True))
    assert all(network.cost.madds in MADDS for network in first)


def test_a_profile_is_a_file_that_predicts_the_same(tmp_path: Path) -> None:
    truth = known_device(network.cost for network in islice(random_networks(0), 26))
    result = profile(
        engine_of(truth, faster=100), Settings(), Plan(networks=20, trials=4, limit_s=2.0)
    )
    assert [trial.network for trial in result.trials] == [f"random {i}" for i in range(20, 24)]
    path = tmp_path / "device.json"
    path.write_text(device_file(result.device))
    loaded = load_device(path)
    assert loaded.kinds == result.device.kinds
    assert (loaded.block, loaded.spilled_fs) == (result.device.block, result.device.spilled_fs)
    assert loaded.errors == result.device.errors
    assert loaded.errors is not None
    assert loaded.errors.networks == 4
    assert loaded.measured["engine"] == "known"
    for name in ("antnet_g2", "resnet_18"):
        cost = antcost.analyze(name)
        assert loaded.latency_ps(cost) == result.device.latency_ps(cost)


SEEN = Seen(madds=(0, 10**9), bytes=(0, 10**9), window=(1, 9))
SIMPLE = Device(
    "Simple",
    {
        name: Rates((10**9, 0, 20_000, 0, 0, 0, 0), SEEN)
        for name in ("pointwise conv", "depthwise conv", "conv of an image", "linear", "relu6")
    }
    | {OTHER: Rates((0,) * 7)},
    16,
    errors=Errors(networks=8, median=0.021, largest=0.07, within_10_percent=1.0),
)


def test_a_latency_is_a_sum_over_layers() -> None:
    cost = antcost.analyze("mobilenet_v2")
    prediction = SIMPLE.predict(cost)
    convolutions = [row for row in cost.layers if row.madds]
    blocked = sum(work.madds for work in kernel_work(cost, 16, 4 * MIB))
    assert blocked > cost.madds
    assert prediction.latency_ps == SIMPLE.latency_ps(cost)
    assert prediction.latency_ps == sum(
        10**6 + 20 * work.madds for work in kernel_work(cost, 16, 4 * MIB) if work.madds
    )
    assert len(convolutions) == 53
    assert sum(prediction.of(row) for row in cost.by("stage")) == prediction.latency_ps


def test_what_is_unlike_the_profile_is_said() -> None:
    small = network(
        {"block": "conv", "kernel": 1, "channels": 64, "norm": False}, input_shape=(32, 8, 8)
    )
    large = network(
        {"block": "conv", "kernel": 1, "channels": 64, "norm": False}, input_shape=(32, 2048, 2048)
    )
    assert SIMPLE.predict(antcost.analyze(small)).outside == ("s0.act",)
    assert SIMPLE.predict(antcost.analyze(large)).outside == ("s0.conv", "s0.act")
    assert SIMPLE.predict(antcost.analyze(large)).outside_share == 1


@pytest.fixture
def device_path(tmp_path: Path) -> Path:
    path = tmp_path / "device.json"
    path.write_text(device_file(SIMPLE))
    return path


def test_every_command_predicts_the_same(run: Callable[..., Result], device_path: Path) -> None:
    g1, g2 = (SIMPLE.latency_ps(antcost.analyze(name)) for name in ("antnet_g1", "antnet_g2"))
    option = ("--device", str(device_path), "--format", "json")

    def data(*args: str) -> Any:
        return json.loads(run(*args, *option).stdout)

    table = data("table", "antnet_g2", "--by", "stage")
    assert table["total"]["latency"] == g2
    assert sum(row["latency"] for row in table["rows"]) == g2
    compared = data("compare", "antnet_g1", "antnet_g2")
    assert [entry["latency"] for entry in compared["networks"]] == [g1, g2]
    (entry,) = data("compare", "antnet_g2", "--baseline", "antnet_g1")["networks"]
    assert entry["speed_up"] == dict.fromkeys(("value", "low", "high"), g1 / g2)
    by_speed = data("compare", "antnet_g1", "antnet_g2", "--sort", "speed_up")["networks"]
    fastest_first = sorted((g1, g2))
    assert [entry["latency"] for entry in by_speed] == fastest_first != [g1, g2]
    predicted = data("latency", "antnet_g1", "antnet_g2")
    assert [entry["latency"] for entry in predicted["networks"]] == [g1, g2]
    assert sum(predicted["networks"][1]["layers"].values()) == g2
    totals = data("diff", "antnet_g1", "antnet_g2")["total"]
    assert totals["a"]["latency"] == g1
    assert totals["difference"]["latency"] == g2 - g1


def test_a_search_within_a_latency_is_counted_again_by_the_whole_network(
    run: Callable[..., Result], device_path: Path
) -> None:
    """Blocks add up to the network: of channels in whole blocks, and of what runs merged."""
    pytest.importorskip("pyarrow", reason="needs the search extra")
    arguments = (
        "search", "antnet_g1", "--choose", "ant[2-7].groups=[1, 2, 4]",
        "--choose", "ant[3-5].channels=[24, 30, 40, 64]", "--choose", "ant[2-3].repeat=[1, 2]",
        "--device", str(device_path), "--objective", "min latency", "--format", "json",
    )  # fmt: skip
    best = json.loads(run(*arguments).stdout)["best"]["counts"]["latency"]
    options = [f"ant[2-7].groups={groups}" for groups in (1, 2, 4)]
    assert all(best <= SIMPLE.latency_ps(antcost.analyze("antnet_g1", [o])) for o in options)


def test_columns_of_latency_need_a_device(run: Callable[..., Result]) -> None:
    for arguments in (("--columns", "name,latency"), ("--sort", "latency_share")):
        error = run("table", "antnet_g2", *arguments, exit_code=2).stderr
        assert error == "the column latency needs a device to predict it for: --device FILE\n"


def test_errors_and_guesses_stand_under_the_table(
    run: Callable[..., Result], device_path: Path
) -> None:
    text = run("table", "antnet_g2", "--device", str(device_path)).stdout
    errors = "off by 2.1 % (median) and at most 7.0 % for 8 networks that it was tried on"
    assert f"Latency: predicted for Simple; {errors}.\n" in text
    assert "extrapolated" not in text
    text = run("compare", "antnet_g2", "densenet_121", "--device", str(device_path)).stdout
    assert "extrapolated from other layers: DenseNet-121 7.4 %.\n" in text
    assert "speed-up: time of ANTNet (g = 2) by time of the network.\n" in text


def test_a_device_that_is_wrong_says_where(run: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "device.json"
    path.write_text('{"device": "x", "kinds": {\n"conv": {"ps_per_mad": 1}}}')
    error = run("table", "antnet_g2", "--device", str(path), exit_code=2).stderr
    assert error == (
        f"{path}:2: kinds.conv.ps_per_mad: unknown field; did you mean 'ps_per_madd'?\n"
    )
    path.write_text('{"device": "x", "block": 0, "kinds": {"other": {}}}')
    error = run("latency", "antnet_g2", "--device", str(path), exit_code=2).stderr
    assert error == f"{path}:1: block: expected at least 1, got 0\n"
    error = run("latency", "antnet_g2", "--device", "nowhere.json", exit_code=2).stderr
    assert error == "nowhere.json: no such file\n"
    path.write_text('{"device": "x", "kinds": {"other": {}}}')
    error = run("latency", "a", "--device", str(path), "--threads", "2", exit_code=2).stderr
    assert error == "--device predicts: it goes without --threads\n"


def test_predictions_need_no_runtime(device_path: Path) -> None:
    code = (
        "import sys\n"
        "from antcost.cli.app import app\n"
        f"try: app(['latency', 'antnet_g2', '--device', {str(device_path)!r}])\n"
        "except SystemExit as end: assert not end.code\n"
        "assert not {'numpy', 'scipy', 'onnx', 'onnxruntime', 'rich'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_command_writes_a_device(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    truth = known_device(network.cost for network in islice(random_networks(0), 14))
    monkeypatch.setattr(
        "antcost.cli.device.find_engine", lambda name, settings: engine_of(truth, faster=200)
    )
    path = tmp_path / "device.json"
    small = ("--networks", "10", "--trials", "3", "--time-limit", "1")
    text = run("device", "profile", "-o", str(path), "--name", "Mine", *small).stdout
    assert text.startswith("Mine: learned from 10 random networks, tried on others\n")
    assert "Predictions are off by " in text
    assert load_device(path).name == "Mine"
    error = run("device", "profile", "-o", str(tmp_path), *small, exit_code=2).stderr
    assert error == f"{tmp_path}: cannot be written: is a folder\n"


def test_an_engine_without_a_profiler_teaches_nothing(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = replace(engine_of(SIMPLE, faster=100), time_layers=None)
    monkeypatch.setattr("antcost.cli.device.find_engine", lambda name, settings: engine)
    error = run("device", "profile", "-o", str(tmp_path / "d.json"), exit_code=2).stderr
    assert error == "known does not report layer times; use another engine\n"
    assert not list(tmp_path.iterdir())


def test_a_comparison_measures_without_a_device(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a clock that shows the multiply-adds."""
    stopped = ["target"]

    def by_madds(lineup: Lineup, *_: Any) -> Recording:
        runs = [[network.cost.madds / 10**8] * 3 for network in lineup.networks]
        return replace(
            recorded([[runs, runs]] * 12),
            subjects=lineup.subjects("fp32"),
            baseline=lineup.baseline,
            reference=lineup.reference,
            stopped=stopped[0],
        )

    monkeypatch.setattr("antcost.cli.measurement.run_measurement", by_madds)
    names = ("mobilenet_v2", "resnet_18", "mobilenet_v2_1.4")
    table = run("compare", *names, "--columns", "madds,latency").stdout
    assert table.splitlines()[2].split() == ["network", "MAdds", "latency", "speed-up"]
    assert "latency: fake, fp32" in table
    assert "speed-up: time of MobileNetV2 by time of the network" in table
    options = ("--columns", "latency", "--format", "json")
    for base, arguments in (
        ("mobilenet_v2", ()),
        ("resnet_18", ("--baseline", "resnet_18")),
        ("resnet_34", ("--baseline", "resnet_34")),
    ):
        data = json.loads(run("compare", *names, *arguments, *options).stdout)["networks"]
        for name, entry in zip(names, data, strict=True):
            speed_up = antcost.analyze(base).madds / antcost.analyze(name).madds
            assert entry["speed_up"]["value"] == pytest.approx(speed_up, rel=0.01)
    (alone,) = json.loads(run("compare", "resnet_18", *options).stdout)["networks"]
    assert alone["speed_up"]["value"] == pytest.approx(0.17, abs=0.005)
    stopped[0] = "interrupted"
    run("compare", *names, "--columns", "latency", exit_code=130)


def test_errors_of_a_profile_are_those_of_its_trials() -> None:
    trials = [Trial("a", 1, 1000, 1050), Trial("b", 1, 1000, 880), Trial("c", 1, 1000, 1010)]
    errors = trial_errors(trials)
    assert (errors.networks, errors.median, errors.largest) == (3, 0.05, 0.12)
    assert errors.within_10_percent == 0.6667


def test_latencies_are_on_the_clock_of_the_reference_and_undisturbed() -> None:
    """A takes half of the reference's time; rounds in which it lost the CPU are left out."""
    rounds = [[[4.0], [8.0]], [[5.0], [10.0]], [[4.0], [8.0]]]
    recording = replace(recorded([rounds]), reference=1, baseline=1)
    lost = visit(0, 3, 0, [90.0], lost_ms=80.0), visit(0, 3, 1, [8.0])
    late = visit(0, 4, 0, [90.0], lost_ms=80.0), visit(0, 4, 1, [8.0])
    later = visit(0, 5, 0, [90.0], lost_ms=80.0), visit(0, 5, 1, [8.0])
    busy = replace(recording, visits=(*recording.visits, *lost, *late, *later))
    assert latencies_ns(recording) == pytest.approx([4e6])
    assert latencies_ns(busy) == pytest.approx([4e6])
    always = replace(recording, visits=(*lost, *late))
    assert latencies_ns(always) == pytest.approx([90e6])


def test_kernels_are_the_lower_quartile_of_their_runs() -> None:
    assert kernel_times(LayerTimes((), {"a": (1, 2, 3, 4, 100)})) == {"a": 2}


def test_a_device_by_hand_says_nothing_of_errors_and_profiles(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    by_hand = replace(SIMPLE, errors=None)
    assert by_hand.predict(antcost.analyze("vgg_16")).outside == ()
    path = tmp_path / "device.json"
    path.write_text(device_file(by_hand))
    text = run("latency", "vgg_16", "--device", str(path)).stdout
    assert "extrapolated" not in text
    assert "Predictions are of unknown error." in text


def test_auxiliary_heads_take_no_time() -> None:
    graph = antcost.build_graph(antcost.load("inception_v3"), training=True)
    prediction = SIMPLE.predict(analyze_graph(graph))
    assert prediction.latency_ps == SIMPLE.latency_ps(antcost.analyze("inception_v3"))
    assert not any(name.startswith("training:") for name in prediction.outside)


def test_a_device_that_takes_nothing_is_no_reason_to_fail(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    pytest.importorskip("pyarrow", reason="needs the search extra")
    path = tmp_path / "device.json"
    path.write_text('{"device": "Zero", "kinds": {"other": {}}}')
    device = ("--device", str(path))
    choices = ("--choose", "ant[2-3].groups=[1, 2]", "--objective", "zen")
    assert "latency" in run("search", "antnet_g1", *choices, *device).stdout
    assert "0 ps" in run("compare", "antnet_g1", "antnet_g2", *device).stdout


@pytest.mark.parametrize("name", ["", "two\nlines", "\x1b[2J"])
def test_a_name_that_no_file_may_have_is_refused_before_anything_is_measured(
    run: Callable[..., Result], tmp_path: Path, name: str
) -> None:
    path = tmp_path / "device.json"
    error = run("device", "profile", "-o", str(path), "--name", name, exit_code=2).stderr
    assert error == "--name: expected one line of printable text\n"
    assert not path.exists()
