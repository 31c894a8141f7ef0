"""OpenVINO on the ONNX model of a Graph, and its profiler."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from antcost.cost.memory import Dtype
from antcost.errors import AntcostError
from antcost.graph.graph import Graph
from antcost.measure.engines import Engine, LayerTimes, Run, Settings
from antcost.measure.images import random_images

WARM_UP = 4
PRECISIONS: Mapping[Dtype, str] = {"fp32": "f32", "fp16": "f16"}


def prepare(graph: Graph, settings: Settings) -> Run:
    """A request with a fixed random input. Raises AntcostError if the CPU has no half precision.

    Where it has bfloat16 only, "fp16" computes in that.
    """
    return _run(_compiled(graph, settings), graph, settings)[0]


def time_layers(graph: Graph, settings: Settings, runs: int) -> LayerTimes:
    """The times of the performance counters, which have a resolution of 1 us."""
    compiled = _compiled(graph, settings, PERF_COUNT=True)
    owners = _owners(graph, compiled)
    run, request = _run(compiled, graph, settings)
    whole, each = [], []
    for _ in range(WARM_UP + runs):
        start_ns = time.perf_counter_ns()
        run()
        whole.append(time.perf_counter_ns() - start_ns)
        each.append(_layer_ns(request.get_profiling_info(), owners))
    names = dict.fromkeys(name for times in each for name in times)
    return LayerTimes(
        tuple(whole[WARM_UP:]),
        {name: tuple(times.get(name, 0) for times in each[WARM_UP:]) for name in names},
    )


def _compiled(graph: Graph, settings: Settings, **properties: object) -> Any:
    from openvino import Core, Type

    from antcost.onnxnet import onnx_model

    core = Core()
    model = onnx_model(graph, fold=settings.fold, batch=settings.batch)
    compiled = core.compile_model(
        core.read_model(model.SerializeToString()),
        "CPU",
        {
            "INFERENCE_NUM_THREADS": settings.threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": PRECISIONS[settings.dtype],
            **properties,
        },
    )
    if (compiled.get_property("INFERENCE_PRECISION_HINT") == Type.f32) != (
        settings.dtype == "fp32"
    ):
        raise AntcostError(f"openvino: this CPU does not compute in {settings.dtype}")
    return compiled


def _run(compiled: Any, graph: Graph, settings: Settings) -> tuple[Run, Any]:
    request = compiled.create_infer_request()
    request.get_input_tensor().data[:] = random_images(graph, settings)
    return lambda: request.infer(share_outputs=True)[0], request


def _owners(graph: Graph, compiled: Any) -> dict[str, str]:
    """For each kernel by name the layer that it runs: of several ones the first."""
    order = {node.name: number for number, node in enumerate(graph.nodes)}
    owners = {}
    for kernel in compiled.get_runtime_model().get_ops():
        layers = _layers(kernel.get_rt_info()["originalLayersNames"].astype(str))
        owned = [layer for layer in layers if layer in order]
        if owned:
            owners[kernel.get_friendly_name()] = min(owned, key=order.__getitem__)
    return owners


def _layers(original_names: str) -> Iterable[str]:
    from antcost.onnxnet import PART

    return (name.split(PART)[0] for name in original_names.split(","))


def _layer_ns(kernels: Iterable[Any], owners: Mapping[str, str]) -> dict[str, int]:
    """Nanoseconds of each layer in one run.

    What runs between layers, to change the order of a tensor's elements in memory, is part of the
    next layer.
    """
    times: dict[str, int] = {}
    waiting, layer = 0, ""
    for kernel in kernels:
        waiting += round(kernel.real_time.total_seconds() * 1e6) * 1000
        layer = owners.get(kernel.node_name, "")
        if layer and kernel.status == kernel.Status.EXECUTED:
            times[layer] = times.get(layer, 0) + waiting
            waiting = 0
    if waiting:
        last = list(times)[-1]
        times[last] += waiting
    return times


OPENVINO = Engine(
    name="openvino",
    packages=("openvino", "onnx"),
    install="pip install 'antcost[openvino]'",
    dtypes=("fp32", "fp16"),
    prepare=prepare,
    time_layers=time_layers,
)
