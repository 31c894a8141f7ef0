"""torch as three engines: as it is, compiled, and as TorchScript.

All of them run channels_last in fp32, and batch norm that is folded is folded before they see the
network. "Kept" batch norm is only what they are given: all but eager torch fold it themselves.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings

from antcost.errors import AntcostError
from antcost.graph.graph import Graph
from antcost.measure.engines import Engine, Run, Settings
from antcost.measure.images import random_images

if TYPE_CHECKING:
    from torch import Tensor

PACKAGES = ("torch", "onnx")
INSTALL = "pip install 'antcost[latency]' torch"


def prepare_eager(graph: Graph, settings: Settings) -> Run:
    """Return the module itself, operator by operator."""
    return _run(_module(graph, settings), _images(graph, settings), settings)


def prepare_compiled(graph: Graph, settings: Settings) -> Run:
    """Use torch.compile with constant weights. Raises AntcostError without a C++ compiler."""
    import torch

    _require_compiler()
    module, images = _module(graph, settings), _images(graph, settings)
    run = _run(torch.compile(module, options={"freezing": True}), images, settings)
    with catch_warnings(action="ignore"):
        run()
    return run


def prepare_script(graph: Graph, settings: Settings) -> Run:
    """Return a trace, frozen and optimised for inference; torch warns that TorchScript is old."""
    import torch

    jit: Any = torch.jit
    module, images = _module(graph, settings), _images(graph, settings)
    with catch_warnings(action="ignore"), torch.inference_mode():
        frozen = jit.freeze(jit.trace(module, images, check_trace=False))
        run = _run(jit.optimize_for_inference(frozen), images, settings)
        run()
    return run


def _module(graph: Graph, settings: Settings) -> Any:
    """Return the network with the random weights that the other engines have, too."""
    import torch

    from antcost.backends.onnx_model import random_weights
    from antcost.backends.torch_module import torch_module

    module: Any = torch_module(graph).eval()
    weights = {name: torch.from_numpy(value) for name, value in random_weights(graph).items()}
    module.load_state_dict(weights, strict=False)
    if settings.fold:
        with catch_warnings(action="ignore"):
            from torch.fx.experimental.optimization import fuse
        module = fuse(module, inplace=True, no_trace=True)
    return module.to(memory_format=torch.channels_last)


def _images(graph: Graph, settings: Settings) -> "Tensor":
    import torch

    images = torch.from_numpy(random_images(graph, settings))
    is_map = graph.input.rank == 3
    return images.to(memory_format=torch.channels_last) if is_map else images


def _run(module: Callable[..., object], images: "Tensor", settings: Settings) -> Run:
    import torch

    torch.set_num_threads(settings.threads)

    def run() -> object:
        with torch.inference_mode():
            return module(images)

    return run


def _require_compiler() -> None:
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        get_cpp_compiler()
    except InvalidCxxCompiler:
        raise AntcostError("torch-compile needs a C++ compiler, such as g++ or clang++") from None


EAGER = Engine("torch", PACKAGES, INSTALL, ("fp32",), prepare_eager)
COMPILE = Engine("torch-compile", PACKAGES, INSTALL, ("fp32",), prepare_compiled)
SCRIPT = Engine("torchscript", PACKAGES, INSTALL, ("fp32",), prepare_script)
