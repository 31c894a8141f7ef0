"""onnxruntime on the ONNX model of a Graph: the default engine, and its profiler."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from antcost.graph.graph import Graph
from antcost.measure.engines import Engine, LayerTimes, Run, Settings
from antcost.measure.images import random_images
from antcost.measure.onnx_names import layers_by_name
from antcost.measure.quantization import quantized

if TYPE_CHECKING:
    from onnx import ModelProto

WARM_UP = 4
NS_PER_US = 1000
FUSED = {"Conv": "Conv", "FusedConv": "Conv", "FusedGemm": "Gemm"}
"""What the runtime calls a layer into which those behind it are merged, and ONNX its first one."""
NORM = "_bn"
BEFORE = re.compile(r"^(fused |InsertedPrecisionFreeCast_)")
ADDED = re.compile(
    rf"(_nchwc|{NORM}|_token_\d+|_q|_QuantizeLinear|_DequantizeLinear|/\w+Fusion/?)$"
)
"""What the runtime adds to the name of a node; NORM if a batch norm is a depthwise convolution."""


def prepare(graph: Graph, settings: Settings) -> Run:
    """Return a session with a fixed random input."""
    return _run(_model(graph, settings), graph, settings, _options(settings))[0]


def time_layers(graph: Graph, settings: Settings, runs: int) -> LayerTimes:
    """Return the times of the profiler, which has a resolution of 1 us."""
    model = _model(graph, settings)
    with TemporaryDirectory() as folder:
        options = _options(settings)
        options.enable_profiling = True
        options.profile_file_prefix = f"{folder}/profile"
        run, session = _run(model, graph, settings, options)
        for _ in range(WARM_UP + runs):
            run()
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    events.sort(key=lambda event: event["ts"])
    whole = [event["dur"] for event in events if event["name"] == "model_run"]
    owners = _Owners(graph, model)
    each = [_layer_us(run, owners) for run in _runs(events)]
    assert len(whole) == len(each) == WARM_UP + runs
    names = dict.fromkeys(name for times in each for name in times)
    return LayerTimes(
        tuple(us * NS_PER_US for us in whole[WARM_UP:]),
        {name: tuple(times.get(name, 0) * NS_PER_US for times in each[WARM_UP:]) for name in names},
    )


def _model(graph: Graph, settings: Settings) -> "ModelProto":
    from antcost.backends.onnx_model import onnx_model

    if settings.dtype != "int8":
        return onnx_model(graph, fold=settings.fold, dtype=settings.dtype, batch=settings.batch)
    return quantized(onnx_model(graph, fold=settings.fold, batch=settings.batch), graph, settings)


def _options(settings: Settings) -> Any:
    from onnxruntime import ExecutionMode, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    options.execution_mode = ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _run(model: "ModelProto", graph: Graph, settings: Settings, options: Any) -> tuple[Run, Any]:
    from onnxruntime import InferenceSession

    from antcost.backends.onnx_model import FLOATS, IMAGE

    session = InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feed = {IMAGE: random_images(graph, settings).astype(FLOATS[settings.dtype])}
    return lambda: session.run(None, feed)[0], session


def _runs(events: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the events of the nodes, run by run."""
    nodes: list[Mapping[str, Any]] = []
    ends = [event["ts"] + event["dur"] for event in events if event["name"] == "model_run"]
    kernels = (event for event in events if event["cat"] == "Node")
    waiting = next(kernels, None)
    for end in ends:
        while waiting is not None and waiting["ts"] < end:
            nodes.append(waiting)
            waiting = next(kernels, None)
        yield nodes
        nodes = []


def _layer_us(events: Sequence[Mapping[str, Any]], owners: "_Owners") -> dict[str, int]:
    """Microseconds of each layer in one run.

    What changes the order of a tensor's elements in memory is part of the layer that cannot read or
    write the order of the convolutions: of the next one before it, and of the last one after it.
    """
    times: dict[str, int] = {}
    last, waiting = "", 0
    for event in events:
        operator = event["args"]["op_name"]
        layer = owners.layer(event["name"], operator)
        if layer is None and not (operator == "ReorderInput" and last):
            waiting += event["dur"]
            continue
        last = layer or last
        times[last] = times.get(last, 0) + event["dur"] + waiting
        waiting = 0
    times[last] = times.get(last, 0) + waiting
    return times


class _Owners:
    """Finds the layer that a kernel belongs to, by the names and inputs of the model's nodes.

    A kernel is called like a node or like what it makes.
    """

    def __init__(self, graph: Graph, model: "ModelProto") -> None:
        self._makers = {name: node for node in model.graph.node for name in node.output}
        self._nodes = self._makers | {node.name: node for node in model.graph.node}
        self._layers = layers_by_name(graph, model)

    def layer(self, kernel: str, operator: str) -> str | None:
        """Return the layer, or None for what the runtime has put between layers."""
        name, added = BEFORE.sub("", kernel.removesuffix("_kernel_time")), ""
        while name not in self._layers and (suffix := ADDED.search(name)):
            name, added = name[: suffix.start()], suffix[0]
        if name in self._layers and operator in FUSED and added != NORM:
            first = self._first(self._nodes[name], FUSED[operator])
            return self._layers[first.name if first else name]
        return self._layers.get(name)

    def _first(self, node: Any, operator: str) -> Any:
        """Return the layer of this operator that the node's layer was merged into."""
        if node.op_type == operator:
            return node
        makers = (self._makers[name] for name in node.input if name in self._makers)
        return next(filter(None, (self._first(maker, operator) for maker in makers)), None)


ONNXRUNTIME = Engine(
    name="onnxruntime",
    packages=("onnxruntime", "onnx"),
    install="pip install 'antcost[latency]'",
    dtypes=("fp32", "fp16", "int8"),
    prepare=prepare,
    time_layers=time_layers,
)
