"""OpenVINO on the ONNX model of a Graph, and its profiler."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from antcost.cost.memory import Dtype
from antcost.errors import AntcostError
from antcost.graph.graph import Graph
from antcost.measure.attribution import LayerNs, layer_times
from antcost.measure.engines import Engine, LayerTimes, Run, Settings, wall_ns
from antcost.measure.images import random_images
from antcost.measure.onnx_names import layers_by_name
from antcost.units import NS_PER_US

if TYPE_CHECKING:
    from onnx import ModelProto

WARM_UP = 4
MICROSECOND = timedelta(microseconds=1)
NOTHING = "unknown"
"""The implementation of what is not run: it only gives a tensor another shape. A status would not
do, as what takes less than 1 us is "not run", too.
"""
PRECISIONS: Mapping[Dtype, str] = {"fp32": "f32", "fp16": "f16"}


def prepare(graph: Graph, settings: Settings) -> Run:
    """Return a request with a fixed random input. Raises AntcostError if the CPU has no half
    precision.

    Where it has bfloat16 only, "fp16" computes in that.
    """
    return _run(_compiled(_model(graph, settings), settings), graph, settings)[0]


def time_layers(graph: Graph, settings: Settings, runs: int) -> LayerTimes:
    """Return the times of the performance counters, which have a resolution of 1 us."""
    model = _model(graph, settings)
    compiled = _compiled(model, settings, PERF_COUNT=True)
    owners = _owners(graph, model, compiled)
    run, request = _run(compiled, graph, settings)
    whole_ns, each = [], []
    for _ in range(WARM_UP + runs):
        whole_ns.append(wall_ns(run))
        each.append(request.get_profiling_info())
    return layer_times(whole_ns[WARM_UP:], (_layers(run, owners) for run in each[WARM_UP:]))


def _model(graph: Graph, settings: Settings) -> "ModelProto":
    from antcost.backends.onnx_model import onnx_model

    return onnx_model(graph, fold=settings.fold, batch=settings.batch)


def _compiled(model: "ModelProto", settings: Settings, **properties: object) -> Any:
    from openvino import Core, Type

    core = Core()
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
    in_fp32 = compiled.get_property("INFERENCE_PRECISION_HINT") == Type.f32
    if in_fp32 != (settings.dtype == "fp32"):
        raise AntcostError(f"openvino: this CPU does not compute in {settings.dtype}")
    return compiled


def _run(compiled: Any, graph: Graph, settings: Settings) -> tuple[Run, Any]:
    request = compiled.create_infer_request()
    request.get_input_tensor().data[:] = random_images(graph, settings)
    return lambda: request.infer(share_outputs=True)[0], request


def _owners(graph: Graph, model: "ModelProto", compiled: Any) -> dict[str, str]:
    """Yield for each kernel by name the layer that it runs: of several ones the first.

    A kernel names the nodes that it runs, but for those that were rewritten into the next node.
    """
    order = {node.name: number for number, node in enumerate(graph.nodes)}
    layers = layers_by_name(graph, model)
    nodes = {name: node for node in model.graph.node for name in (node.name, *node.output)}
    named = {
        kernel.get_friendly_name(): list(_named(kernel, nodes))
        for kernel in compiled.get_runtime_model().get_ops()
    }
    ran = {node.name for several in named.values() for node in several}

    def reached(node: Any) -> Iterator[str]:
        """Yield the layers of a node and of those before it that no kernel names."""
        if node.name in layers:
            yield layers[node.name]
        for name in node.input:
            if name in nodes and nodes[name].name not in ran:
                yield from reached(nodes[name])

    found = {
        kernel: [layer for node in several for layer in reached(node)]
        for kernel, several in named.items()
    }
    return {kernel: min(owned, key=order.__getitem__) for kernel, owned in found.items() if owned}


def _named(kernel: Any, nodes: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the nodes of the model that a kernel names, some of them with a suffix of its own."""
    from antcost.backends.onnx_model import PART

    for name in kernel.get_rt_info()["originalLayersNames"].astype(str).split(","):
        node = nodes.get(name) or nodes.get(name.split(PART)[0])
        if node is not None:
            yield node


def _layers(kernels: Iterable[Any], owners: Mapping[str, str]) -> Iterator[LayerNs]:
    """Yield the layer of each kernel in one run."""
    for kernel in kernels:
        ns = kernel.real_time // MICROSECOND * NS_PER_US
        nothing = kernel.exec_type.startswith(NOTHING)
        yield None if nothing else owners.get(kernel.node_name), ns


OPENVINO = Engine(
    name="openvino",
    packages=("openvino", "onnx"),
    install="pip install 'antcost[openvino]'",
    dtypes=("fp32", "fp16"),
    prepare=prepare,
    time_layers=time_layers,
)
