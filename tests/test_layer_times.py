"""Where the time goes: kernels and the layers they run, the roofs over them, table and figure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from math import log
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from clocks import CONDITIONS
from typer.testing import Result

from antcost import analyze
from antcost.charts.placement import FONT, Box, text_width
from antcost.cost.analysis import analyze_graph
from antcost.errors import AntcostError
from antcost.graph.graph import Graph, Node
from antcost.graph.layers import Activation, BatchNorm, Conv2d, Linear
from antcost.graph.shape import Shape
from antcost.graph.tape import Tape
from antcost.measure.attribution import Kernel, kernels, median_ps, owners, sum_by_layer
from antcost.measure.breakdown import STEPS, Breakdown, break_down
from antcost.measure.engines import Engine, LayerTimes, Run, Settings
from antcost.measure.roofline import Level, Roofline, RooflineBound, measure_roofline
from antcost.sources.specs.build import build_graph
from antcost.sources.specs.load import load
from antcost.tables.formats import render
from antcost.views.layer_times import layer_times_table, lines_of

GIGA = 10**9
US = 10**6
"""Picoseconds."""

GFLOPS, GBYTES, OVERHEAD_NS = 100, 50, 1000
ROOFS = Roofline(GFLOPS * GIGA, (Level(2**20, GBYTES * GIGA),), OVERHEAD_NS * 1000)


def clockwork(graph: Graph, settings: Settings, runs: int) -> LayerTimes:
    """Times of a perfect machine with those roofs, which merges what stands after convolutions."""
    made_by = {node.name: node for node in graph.nodes}
    times = {}
    for node in graph.nodes:
        maker = made_by.get(node.inputs[0])
        is_merged = maker and (maker.name not in times or isinstance(maker.layer, Conv2d))
        if isinstance(node.layer, BatchNorm | Activation) and is_merged:
            continue
        times[node.name] = (perfect_ns(node, settings),) * runs
    return LayerTimes((sum(each[0] for each in times.values()) + 5000,) * runs, times)


def perfect_ns(node: Node, settings: Settings) -> int:
    x = node.input_shapes[0]
    moved = 4 * (sum(shape.numel for shape in node.input_shapes) + node.shape.numel)
    if isinstance(node.layer, Conv2d):
        (k_h, k_w), groups = node.layer.kernel, node.layer.groups
        flops = 2 * k_h * k_w * x.c // groups * node.shape.numel * settings.batch
        return max(-(-flops // GFLOPS), OVERHEAD_NS)
    if isinstance(node.layer, Linear):
        return max(2 * x.c * node.shape.c // GFLOPS, OVERHEAD_NS)
    return max(moved * settings.batch // GBYTES, OVERHEAD_NS)


def prepare(graph: Graph, settings: Settings) -> Run:
    return lambda: None


CLOCKWORK = Engine("clockwork", (), "pip install clockwork", ("fp32",), prepare, clockwork)


def small() -> Graph:
    """conv, bn, relu; conv, bn beside it; add; relu; pool; linear."""
    tape = Tape(Shape((3, 8, 8)))
    x = tape.conv_bn_act(tape.input, 16, kernel=3, name="stem")
    y = tape.conv_bn(x, 16, name="body")
    z = tape.activation(tape.add(x, y), "relu", name="out")
    return tape.graph("small", tape.linear(tape.flatten(tape.global_avg_pool(z)), 4))


def breakdown_of(graph: Graph, roofline: Roofline = ROOFS, **changes: Any) -> Breakdown:
    """What would be measured on the perfect machine."""
    cost = analyze_graph(graph)
    found = kernels(cost, clockwork(graph, Settings(), 3), Settings())
    breakdown = Breakdown(
        cost=cost, engine="clockwork", settings=Settings(), conditions=CONDITIONS, kernels=found,
        profiled_ps=9 * US, whole_ps=8 * US, runs=3, roofline=roofline,
    )  # fmt: skip
    return replace(breakdown, **changes)


# Which layer runs which


def test_layers_that_did_not_run_belong_to_the_last_one_that_made_an_input() -> None:
    graph = small()
    ran = {"stem.conv", "body.conv", "pool", "linear"}
    assert owners(graph, ran) == {
        "stem.conv": "stem.conv", "stem.bn": "stem.conv", "stem.act": "stem.conv",
        "body.conv": "body.conv", "body.bn": "body.conv", "add": "body.conv", "out": "body.conv",
        "pool": "pool", "flatten": "pool", "linear": "linear",
    }  # fmt: skip
    assert owners(graph, {"body.conv"}) == dict.fromkeys(owners(graph, ran), "body.conv")
    assert set(owners(graph, {"add"}).values()) == {"add"}


@pytest.mark.parametrize("ran", [(), ("kernel_0",)])
def test_a_profiler_that_names_no_layer(ran: tuple[str, ...]) -> None:
    with pytest.raises(AntcostError, match=r"small: .* its profiler names no layer"):
        owners(small(), set(ran))
    silent = replace(CLOCKWORK, time_layers=lambda *_: LayerTimes((1,), dict.fromkeys(ran, (1,))))
    with pytest.raises(AntcostError, match="its profiler names no layer"):
        break_down(analyze_graph(small()), silent, Settings(), 1)


def test_a_kernel_has_the_work_of_all_its_layers_and_moves_what_others_read() -> None:
    graph, settings = small(), Settings(batch=2)
    ran = {"stem.conv": (5,), "body.conv": (4, 6, 7), "pool": (1, 2), "linear": (1,)}
    stem, body, pool, linear = kernels(analyze_graph(graph), LayerTimes((), ran), settings)
    image, map_ = 3 * 8 * 8, 16 * 8 * 8
    assert [node.name for node in stem.nodes] == ["stem.conv", "stem.bn", "stem.act"]
    assert stem.madds == 2 * 9 * 3 * map_
    assert stem.traffic_bytes == 4 * (2 * (image + map_) + 9 * 3 * 16 + 16)
    assert body.madds == 2 * 16 * map_
    assert body.traffic_bytes == 4 * (2 * (map_ + map_) + 16 * 16 + 16)
    assert pool.traffic_bytes == 4 * 2 * (map_ + 16)
    assert (linear.madds, linear.traffic_bytes) == (2 * 64, 4 * (2 * (16 + 4) + 16 * 4 + 4))
    assert (stem.time_ps, body.time_ps, pool.time_ps) == (5000, 6000, 1500)
    half = kernels(analyze_graph(graph), LayerTimes((), ran), Settings(dtype="fp16"))
    assert half[2].traffic_bytes == 2 * (map_ + 16)


def test_batch_norm_that_runs_by_itself_keeps_its_parameters() -> None:
    tape = Tape(Shape((4, 2, 2)))
    graph = tape.graph("n", tape.batch_norm(tape.conv(tape.input, 4), name="bn"))
    conv, norm = kernels(
        analyze_graph(graph), LayerTimes((), {"conv": (1,), "bn": (1,)}), Settings()
    )
    assert conv.traffic_bytes == 4 * (16 + 16 + 16)
    assert norm.traffic_bytes == 4 * (16 + 16 + 8)


def test_medians_of_nanoseconds_are_whole_picoseconds() -> None:
    assert median_ps([3]) == 3000
    assert median_ps([1, 2]) == 1500
    assert median_ps([2**40, 2**40 + 1]) == 2**40 * 1000 + 500


NETWORKS = {
    "e_antnet": ("ant1.branch1.project.conv", {"ant1.weighted_sum"}),
    "densenet_121": ("dense1.1.squeeze.bn", {"dense1.1.squeeze.act"}),
    "mobilenet_v3_small": ("conv0.conv", {"conv0.act"}),
    "resnet_18": ("conv2.0.second.conv", {"conv2.0.add", "conv2.0.act"}),
}
"""A layer that runs others, of networks in which runtimes do so in different ways."""


def graph_of(name: str) -> Graph:
    return build_graph(load(name, ["input=[3, 64, 64]", "classes=10"]))


def merged_into(graph: Graph, ran: Mapping[str, Any], name: str) -> set[str]:
    found = owners(graph, ran.keys())
    return {layer for layer, owner in found.items() if owner == name} - {name}


@pytest.mark.parametrize("name", NETWORKS)
def test_onnxruntime_gives_the_time_of_every_kernel_to_one_layer(name: str) -> None:
    pytest.importorskip("onnxruntime", reason="needs the latency extra")
    from antcost.measure import onnx_runtime as engine

    graph, settings = graph_of(name), Settings()
    model, options = engine._model(graph, settings), engine._options(settings)
    with TemporaryDirectory() as folder:
        options.enable_profiling = True
        options.profile_file_prefix = f"{folder}/profile"
        run, session = engine._run(model, graph, settings, options)
        run()
        run()
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    events.sort(key=lambda event: event["ts"])
    found = list(engine._runs(events))
    assert len(found) == 2
    for kernels_ in found:
        times = sum_by_layer(engine._layers(kernels_, engine._Owners(graph, model)))
        assert sum(times.values()) == 1000 * sum(event["dur"] for event in kernels_)
        assert times.keys() <= {node.name for node in graph.nodes}
    moved = {event["args"]["op_name"] for event in found[0]} & {"ReorderInput", "ReorderOutput"}
    assert moved
    owner, merged = NETWORKS[name]
    assert merged <= merged_into(graph, times, owner)


@pytest.mark.parametrize("name", NETWORKS)
def test_openvino_does_so_too(name: str) -> None:
    pytest.importorskip("openvino", reason="needs the openvino extra")
    from antcost.measure import openvino as engine

    graph, settings = graph_of(name), Settings()
    model = engine._model(graph, settings)
    compiled = engine._compiled(model, settings, PERF_COUNT=True)
    run, request = engine._run(compiled, graph, settings)
    run()
    info = request.get_profiling_info()
    times = sum_by_layer(engine._layers(info, engine._owners(graph, model, compiled)))
    assert sum(times.values()) == sum(
        round(1e9 * kernel.real_time.total_seconds()) for kernel in info
    )
    assert times.keys() <= {node.name for node in graph.nodes}
    found = owners(graph, times.keys())
    convolutions = {node.name for node in graph.nodes if isinstance(node.layer, Conv2d | Linear)}
    several = {layer for layer in convolutions if found[layer] != layer}
    assert all(".attention." in layer for layer in several)
    merged = merged_into(graph, times, NETWORKS[name][0])
    assert name == "e_antnet" or NETWORKS[name][1] <= merged


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("name", NETWORKS)
def test_kernels_have_every_layer_once(engine: str, name: str) -> None:
    pytest.importorskip(engine)
    from antcost.measure.engines import find_engine

    cost = analyze_graph(graph_of(name))
    settings = Settings(batch=2)
    time_layers = find_engine(engine, settings).time_layers
    assert time_layers is not None
    times = time_layers(cost.graph, settings, 2)
    found = kernels(cost, times, settings)
    layers = [node.name for kernel in found for node in kernel.nodes]
    assert sorted(layers) == sorted(node.name for node in cost.graph.nodes)
    assert sum(kernel.madds for kernel in found) == 2 * cost.madds
    assert {kernel.nodes[0].name for kernel in found} == times.layers_ns.keys()
    assert all(len(runs) == 2 for runs in times.layers_ns.values())
    assert len(times.whole_ns) == 2


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_a_network_of_one_quick_layer(engine: str) -> None:
    pytest.importorskip(engine)
    from antcost.measure.engines import find_engine

    tape = Tape(Shape((4, 2, 2)))
    graph = tape.graph("pool", tape.global_avg_pool(tape.input))
    time_layers = find_engine(engine, Settings()).time_layers
    assert time_layers is not None
    assert time_layers(graph, Settings(), 3).layers_ns.keys() == {"pool"}


def test_layers_whose_names_look_like_those_of_the_runtime() -> None:
    pytest.importorskip("onnxruntime", reason="needs the latency extra")
    from antcost.measure.onnx_runtime import time_layers

    tape = Tape(Shape((16, 8, 8)))
    x = tape.input
    for name in ("a_nchwc", "a_bn", "a_token_1", "a_q"):
        x = tape.batch_norm(tape.conv(x, 16, name=name), name=f"{name}_bn")
    times = time_layers(tape.graph("odd", x), Settings(), 2)
    assert times.layers_ns.keys() == {"a_nchwc", "a_bn", "a_token_1", "a_q"}


# Roofs


def kernel(madds: int, traffic_bytes: int, time_ps: int = US) -> Kernel:
    return Kernel((), time_ps, madds, traffic_bytes)


@pytest.mark.parametrize(
    ("madds", "traffic", "bound"),
    [
        (500_000, 1000, RooflineBound("compute", 10 * US)),
        (500, 500_000, RooflineBound("memory", 10 * US)),
        (500, 500, RooflineBound("overhead", 1 * US)),
        (0, 0, RooflineBound("overhead", 1 * US)),
        (100_000, 100_000, RooflineBound("compute", 2 * US)),
    ],
)
def test_what_takes_a_perfect_machine_longest_is_the_bound(
    madds: int, traffic: int, bound: RooflineBound
) -> None:
    assert ROOFS.bound(kernel(madds, traffic)) == bound


def test_the_bandwidth_is_that_of_the_largest_size_the_traffic_reaches() -> None:
    levels = (Level(1000, 30 * GIGA), Level(8000, 20 * GIGA), Level(64000, 10 * GIGA))
    roofs = Roofline(GIGA, levels, 0)
    sizes = {1: 30, 1000: 30, 7999: 30, 8000: 20, 63999: 20, 64000: 10, 10**9: 10}
    for traffic, gigabytes in sizes.items():
        assert roofs.level(traffic).bytes_per_s == gigabytes * GIGA


def test_a_machine_is_measured_as_it_is() -> None:
    told: list[str] = []
    roofs = measure_roofline(CLOCKWORK, Settings(batch=4), told.append)
    assert roofs.flops_per_s == pytest.approx(GFLOPS * GIGA, rel=0.001)
    assert [level.bytes_per_s for level in roofs.levels] == pytest.approx(
        [GBYTES * GIGA] * 3, rel=0.001
    )
    assert roofs.overhead_ps == OVERHEAD_NS * 1000
    assert len(told) == 3


def test_a_smaller_map_is_never_slower() -> None:
    def slow_caches(graph: Graph, settings: Settings, runs: int) -> LayerTimes:
        """Small maps move ten times as slowly."""
        times = clockwork(graph, settings, runs)
        factor = 10 if graph.name == "stream" and graph.input.numel < 2**14 else 1
        slower = {name: tuple(ns * factor for ns in each) for name, each in times.layers_ns.items()}
        return replace(times, layers_ns=slower)

    roofs = measure_roofline(replace(CLOCKWORK, time_layers=slow_caches), Settings())
    rates = [level.bytes_per_s for level in roofs.levels]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == pytest.approx(GBYTES * GIGA, rel=0.001)


# The table


def test_every_row_of_a_perfect_machine_reaches_its_bound() -> None:
    by_name = {line.name: line for line in lines_of(breakdown_of(small()), "layer")}
    assert list(by_name) == ["stem.conv", "body.conv", "add", "out", "pool", "flatten", "linear"]
    stem = by_name["stem.conv"]
    assert (stem.operator, stem.layers, stem.bound_by, stem.bound_share) == (
        "conv", 3, "overhead", 1,
    )  # fmt: skip
    assert stem.gflops == pytest.approx(2 * 9 * 3 * 1024 / 1000, rel=1e-9)
    add = by_name["add"]
    assert (add.gflops, add.intensity, add.madds) == (None, 0, 0)


@pytest.mark.parametrize("by", ["layer", "block", "stage", "kind"])
def test_rows_sum_to_the_whole(by: Any) -> None:
    breakdown = breakdown_of(graph_of("e_antnet"))
    breakdown = replace(
        breakdown,
        kernels=tuple(
            replace(kernel, time_ps=kernel.time_ps + 7 * number)
            for number, kernel in enumerate(breakdown.kernels)
        ),
    )
    lines = lines_of(breakdown, by)
    assert sum(line.time_ps for line in lines) == breakdown.sum_ps
    assert sum(line.madds for line in lines) == breakdown.cost.madds
    assert sum(line.time_share or 0 for line in lines) == 1
    assert sum(line.layers for line in lines) == len(breakdown.cost.graph.nodes)
    table = layer_times_table(breakdown, by)
    assert table.total is not None
    assert table.total.traffic_bytes == sum(line.traffic_bytes for line in lines)
    data = table.plain()
    assert data["total"]["time_ps"] == sum(row["time_ps"] for row in data["rows"])
    assert data["total"]["bound_ps"] == sum(row["bound_ps"] for row in data["rows"])


def test_a_row_of_several_kernels_is_bound_by_what_limits_most_of_its_time() -> None:
    breakdown = breakdown_of(small())
    found = tuple(
        replace(one, madds=madds, traffic_bytes=traffic, time_ps=40 * US)
        for one, madds, traffic in zip(
            breakdown.kernels[:3], (500_000, 0, 0), (0, 400_000, 400_000), strict=True
        )
    )
    (line,) = {
        line.name: line for line in lines_of(replace(breakdown, kernels=found), "stage")
    }.values()
    assert line.limits_ps == {"compute": 10 * US, "memory": 16 * US}
    assert line.bound_by == "memory"
    assert line.bound_share == pytest.approx(26 / 120)


def test_what_the_table_says() -> None:
    table = layer_times_table(breakdown_of(small()), "kind")
    assert [column.header for column in table.columns] == [
        "name", "layers", "time", "% time", "MAdds", "traffic", "FLOP/B", "GFLOP/s", "bound by",
        "% of bound",
    ]  # fmt: skip
    at_bound = ("overhead", "100.0")
    cells = {str(row[0]): tuple(row[1:]) for row in table.cells()}
    assert cells["conv"] == (
        "3", "1.00 us", "14.3", "27.6k", "6.50 KiB", "8.3", "55.3", *at_bound,
    )  # fmt: skip
    assert cells["add"] == ("1", "1.00 us", "14.3", "0", "12.0 KiB", "0.0", "", *at_bound)
    assert cells["total"][:4] == ("10", "7.00 us", "100.0", "44.1k")
    notes = "\n".join(map(str, table.notes))
    assert "7 of 10 layers ran" in notes
    assert (
        "together 7.00 us; a whole run takes 9.00 us under the profiler and 8.00 us with" in notes
    )
    assert "100.0 GFLOP/s; 50.0 GB/s at 1.00 MiB of traffic; 1.00 us a tiny layer" in notes
    assert "More than 100" not in notes


def test_what_is_faster_than_the_machine_is_said() -> None:
    slow = Roofline(GIGA, ROOFS.levels, 100 * US)
    assert "More than 100: faster" in render(
        layer_times_table(breakdown_of(small(), slow), "layer"), "text"
    )


@pytest.mark.parametrize(
    ("profiled_us", "said"),
    [
        (7000, ""),
        (7300, ""),
        (12000, "58.3 % of a whole run under the profiler: the rest is what the profiler"),
        (6000, "116.7 % of a whole run under the profiler: the rest is what the profiler"),
    ],
)
def test_kernels_that_do_not_sum_to_a_run_are_flagged(profiled_us: int, said: str) -> None:
    """Seven kernels of a millisecond each."""
    breakdown = breakdown_of(small(), profiled_ps=profiled_us * US)
    slow = tuple(replace(one, time_ps=1000 * US) for one in breakdown.kernels)
    table = layer_times_table(replace(breakdown, kernels=slow), "layer")
    notes = "\n".join(map(str, table.notes))
    assert ("Kernels were timed one by one, as medians" in notes) == bool(said)
    assert said in notes


def test_layers_too_fast_for_the_profiler_have_no_rate() -> None:
    breakdown = breakdown_of(small())
    found = tuple(replace(one, time_ps=0) for one in breakdown.kernels)
    lines = lines_of(replace(breakdown, kernels=found), "layer")
    assert {(line.gflops, line.bound_share, line.time_share) for line in lines} == {
        (None, None, None)
    }


# The figure


def figure_of(breakdown: Breakdown, by: Any) -> Any:
    pytest.importorskip("altair", reason="needs the report extra")
    from antcost.charts.roofline import roofline_figure

    return roofline_figure(breakdown, by)


def rows(chart: Any, *fields: str) -> list[dict[str, Any]]:
    """Every row of data that has those fields."""
    found = [row for data in chart.to_dict()["datasets"].values() for row in data]
    return [row for row in found if set(fields) <= row.keys()]


def test_dots_are_the_rows_with_flops() -> None:
    breakdown = breakdown_of(graph_of("mobilenet_v2"))
    chart = figure_of(breakdown, "layer")
    lines = [line for line in lines_of(breakdown, "layer") if line.gflops]
    dots = {dot["name"]: dot for dot in rows(chart, "kind", "time")}
    assert dots.keys() == {line.name for line in lines if line.time_ps >= breakdown.sum_ps / 1000}
    for line in lines[:5]:
        dot = dots[line.name]
        assert dot["x"] == pytest.approx(float(line.intensity))
        assert dot["y"] == pytest.approx(float(line.gflops or 0))
    times = [dot["time"] for dot in rows(chart, "kind", "time")]
    assert times == sorted(times, reverse=True)
    named = [row["name"] for row in rows(chart, "name", "color")]
    assert 3 <= len(named) <= 8
    assert set(named) <= set(list(dots)[:8])


def test_roofs_meet_at_their_ridges() -> None:
    levels = (Level(2**20, 80 * GIGA), Level(2**23, 80 * GIGA), Level(2**27, 20 * GIGA))
    chart = figure_of(breakdown_of(graph_of("resnet_18"), replace(ROOFS, levels=levels)), "layer")
    roofs = rows(chart, "x", "y", "x2", "y2")[:3]
    assert [(roof["x2"], roof["y2"]) for roof in roofs[:2]] == [(100 / 80, 100), (100 / 20, 100)]
    assert all(
        roof["y"] / roof["x"] == pytest.approx(slope)
        for roof, slope in zip(roofs[:2], (80, 20), strict=True)
    )
    assert (roofs[2]["x"], roofs[2]["y"], roofs[2]["y2"]) == (100 / 80, 100, 100)
    assert [row["label"] for row in rows(chart, "label")] == [
        "80.0 GB/s at 8.00 MiB", "20.0 GB/s at 128 MiB", "100.0 GFLOP/s",
    ]  # fmt: skip


@pytest.mark.parametrize("by", ["layer", "stage", "kind"])
def test_labels_do_not_overlap(by: Any) -> None:
    chart = figure_of(breakdown_of(graph_of("densenet_121")), by)
    spec = chart.to_dict()
    encoding = spec["layer"][0]["encoding"]

    def pixel(row: dict[str, Any], axis: str, size: int) -> float:
        low, high = encoding[axis]["scale"]["domain"]
        return size * log(row[axis] / low) / log(high / low)

    boxes = []
    for row in rows(chart, "name", "color"):
        left, up = pixel(row, "x", spec["width"]), spec["height"] - pixel(row, "y", spec["height"])
        boxes.append(Box(left, up - FONT / 2, left + text_width(row["name"]), up + FONT / 2))
    assert boxes
    assert not any(a.meets(b) for a, b in combinations(boxes, 2))
    assert all(Box(0, 0, spec["width"], spec["height"]).holds(box) for box in boxes)


def test_the_figure_is_drawn(tmp_path: Path) -> None:
    from antcost.charts.files import draw

    for by in ("layer", "block", "stage", "kind"):
        path = tmp_path / f"{by}.svg"
        draw(figure_of(breakdown_of(graph_of("mobilenet_v2")), by), path)
        text = path.read_text(encoding="utf-8")
        assert "arithmetic intensity" in text
        assert "100.0 GFLOP/s" in text


def test_a_network_without_flops_is_not_drawn() -> None:
    tape = Tape(Shape((4, 8, 8)))
    graph = tape.graph("pool", tape.global_avg_pool(tape.input))
    assert render(layer_times_table(breakdown_of(graph), "layer"), "text")
    with pytest.raises(AntcostError, match="no layer has FLOPs and a time to draw"):
        figure_of(breakdown_of(graph), "layer")


# The command


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the command use this engine."""
    pytest.importorskip("scipy", reason="needs the latency extra")

    def use(engine: Engine = CLOCKWORK) -> None:
        monkeypatch.setattr("antcost.cli.latency.find_engine", lambda name, settings: engine)

    return use


def test_the_command(
    run: Callable[..., Result], clock: Callable[..., None], tmp_path: Path
) -> None:
    pytest.importorskip("altair", reason="needs the report extra")
    clock()
    output, figure = tmp_path / "times.json", tmp_path / "roof.svg"
    result = run(
        "latency", "mobilenet_v2", "--by", "stage", "-o", str(output), "--figure", str(figure)
    )
    lines = result.stdout.splitlines()
    assert lines[0] == "MobileNetV2, 3x224x224 to 1000: where the time goes"
    assert lines[4].startswith("conv0   conv ")
    assert "clockwork, fp32, batch norm folded, 1 thread, 1 image at once" in result.stdout
    data = json.loads(output.read_text(encoding="utf-8"))
    assert data["network"] == "MobileNetV2"
    assert data["total"]["madds"] == analyze("mobilenet_v2").madds
    assert data["machine"]["overhead_ps"] == OVERHEAD_NS * 1000
    assert "GFLOP/s" in figure.read_text(encoding="utf-8")
    printed = run("latency", "mobilenet_v2", "--by", "stage", "--format", "json").stdout
    assert json.loads(printed)["rows"] == data["rows"]
    csv = run("latency", "mobilenet_v2", "--by", "kind", "--format", "csv").stdout.splitlines()
    assert csv[0].startswith("name,layers,time_ps,time_share,madds,traffic_bytes,intensity,gflops")
    assert " ps  " in run("latency", "mobilenet_v2", "--by", "kind", "--exact").stdout
    markdown = run(
        "latency", "mobilenet_v2", "--by", "kind", "--format", "markdown", "--figure", str(figure)
    ).stdout
    assert "roof.svg)" in markdown


def test_rounds_end_at_the_time_limit() -> None:
    cost, told = analyze_graph(small()), []
    whole = break_down(cost, CLOCKWORK, Settings(), 60.0, told.append)
    assert (whole.runs, len(told)) == (50, STEPS)
    short = break_down(cost, CLOCKWORK, Settings(), 0.0)
    assert short.runs == 10
    assert short.kernels == whole.kernels
    assert whole.profiled_ps - whole.sum_ps == 5 * US


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mobilenet_v2", "antnet_g1"), "--by shows one network, not 2"),
        ((), "name networks to measure"),
        (("mobilenet_v2", "--target", "1%"), "by itself: it goes without --target"),
        (("mobilenet_v2", "--baseline", "antnet_g1"), "it goes without --baseline"),
        (("mobilenet_v2", "--scatter", "a.svg"), "it goes without --scatter"),
        (("mobilenet_v2", "--figure", "a.gif"), "a.gif: a figure ends in .svg, .pdf, .png"),
        (("mobilenet_v2", "-o", "no/such/folder.json"), "no such folder"),
        (("nonet",), "nonet: no such file and no such network"),
        (("--from", "a.json"), "--from shows what was measured: it goes without --by"),
    ],
)
def test_what_the_command_does_not_take(
    run: Callable[..., Result],
    clock: Callable[..., None],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    clock()
    result = run("latency", *arguments, "--by", "stage", exit_code=2)
    assert message in " ".join(result.output.split())


def test_a_figure_of_nothing(
    run: Callable[..., Result], clock: Callable[..., None], write_spec: Callable[..., Path]
) -> None:
    pytest.importorskip("altair", reason="needs the report extra")
    clock()
    stages = "[{name: pool, block: avgpool}]"
    spec = write_spec(f"name: Pool\ninput: [4, 8, 8]\nclasses: 3\nstages: {stages}")
    run("latency", str(spec), "--by", "layer")
    result = run("latency", str(spec), "--by", "layer", "--figure", "a.svg", exit_code=2)
    assert result.output == "Pool: a roofline is of layers with multiply-adds\n"


def test_an_engine_without_a_profiler(
    run: Callable[..., Result], clock: Callable[..., None]
) -> None:
    clock(replace(CLOCKWORK, time_layers=None))
    result = run("latency", "mobilenet_v2", "--by", "layer", exit_code=2)
    assert result.output == (
        "clockwork does not report layer times; --by needs onnxruntime or openvino\n"
    )


def test_an_engine_that_fails(run: Callable[..., Result], clock: Callable[..., None]) -> None:
    def fail(graph: Graph, settings: Settings, runs: int) -> LayerTimes:
        raise RuntimeError("out of memory\nmore")

    clock(replace(CLOCKWORK, time_layers=fail))
    result = run("latency", "mobilenet_v2", "--by", "layer", exit_code=2)
    assert result.output == "MobileNetV2: clockwork: out of memory\n"


def test_an_interrupt_ends_it(run: Callable[..., Result], clock: Callable[..., None]) -> None:
    def interrupt(graph: Graph, settings: Settings, runs: int) -> LayerTimes:
        raise KeyboardInterrupt

    clock(replace(CLOCKWORK, time_layers=interrupt))
    result = run("latency", "mobilenet_v2", "--by", "layer", exit_code=130)
    assert result.output == "interrupted before everything was measured\n"


def test_a_real_machine(run: Callable[..., Result], tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs the latency extra")
    output = tmp_path / "times.json"
    run(
        "latency", "mobilenet_v2", "--set", "input=[3, 64, 64]", "--by", "layer",
        "--time-limit", "0.1", "-o", str(output),
    )  # fmt: skip
    data = json.loads(output.read_text(encoding="utf-8"))
    assert data["runs"] == 10
    assert data["total"]["time_ps"] > 0
    assert 1 < data["machine"]["flops_per_s"] / GIGA < 10_000
    assert len(data["rows"]) == 55
    assert all(row["time_ps"] > 0 for row in data["rows"][:10])
