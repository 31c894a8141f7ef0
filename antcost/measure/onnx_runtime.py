"""onnxruntime on the ONNX model of a Graph: the default engine, and its profiler."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from antcost.graph.graph import Graph
from antcost.measure.attribution import LayerNs, layer_times
from antcost.measure.engines import Engine, LayerTimes, Run, Settings
from antcost.measure.images import random_images
from antcost.measure.onnx_names import layers_by_name
from antcost.measure.quantization import quantized
from antcost.units import NS_PER_US

if TYPE_CHECKING:
    from onnx import ModelProto

WARM_UP = 4
Event = Mapping[str, Any]
FUSED = {"Conv": "Conv", "FusedConv": "Conv", "FusedGemm": "Gemm"}
"""What the runtime calls a layer into which those after it are merged, and ONNX its first one."""
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
    whole = [event for event in events if event["name"] == "model_run"]
    assert len(whole) == WARM_UP + runs
    owners = _Owners(graph, model)
    return layer_times(
        (event["dur"] * NS_PER_US for event in whole[WARM_UP:]),
        (_layers(events, owners) for events in _runs(events)[WARM_UP:]),
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


def _runs(events: Sequence[Event]) -> list[list[Event]]:
    """Return the events of the nodes, run by run."""
    nodes = [event for event in events if event["cat"] == "Node"]
    return [
        [node for node in nodes if run["ts"] <= node["ts"] < run["ts"] + run["dur"]]
        for run in events
        if run["name"] == "model_run"
    ]


def _layers(events: Sequence[Event], owners: "_Owners") -> Iterator[LayerNs]:
    """Yield the layer of each kernel in one run.

    What changes the order of a tensor's elements in memory is part of the layer that cannot read or
    write the order of the convolutions: of the next one before it, and of the last one after it.
    """
    last = None
    for event in events:
        operator = event["args"]["op_name"]
        layer = owners.layer(event["name"], operator)
        if operator == "ReorderInput":
            layer = layer or last
        last = layer or last
        yield layer, event["dur"] * NS_PER_US


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
