"""The tools that count torch modules, and what each says of one.

A tool is imported when it counts, in a process of its own (`isolation.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ToolReport:
    """What a tool says of a module: one number, and by the names of modules where it does so."""

    total: int
    params: int | None = None
    layers: Counts | None = None
    layer_params: Counts | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A counter: `name` is the one of its conventions, `package` what pip calls it."""

    name: str
    package: str
    count: Callable[[nn.Module, Tensor], ToolReport]
    install: str


def _fvcore(module: nn.Module, image: Tensor) -> ToolReport:
    from fvcore.nn import FlopCountAnalysis, parameter_count

    counter = FlopCountAnalysis(module, image)
    params = parameter_count(module)
    return ToolReport(int(counter.total()), params[""], counter.by_module(), params)


def _thop(module: nn.Module, image: Tensor) -> ToolReport:
    import thop

    total, params, children = thop.profile(
        module, inputs=(image,), verbose=False, ret_layer_info=True
    )
    rows = list(_flattened(children))
    return ToolReport(
        int(total),
        int(params),
        {name: int(count) for name, count, _ in rows},
        {name: int(count) for name, _, count in rows},
    )


def _flattened(children: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float, float]]:
    """Name, count and parameters of the modules in thop's nested rows."""
    for name, (count, params, inner) in children.items():
        yield f"{prefix}{name}", count, params
        yield from _flattened(inner, f"{prefix}{name}.")


def _ptflops(module: nn.Module, image: Tensor) -> ToolReport:
    printed = StringIO()
    total, params = _ask_ptflops(
        module, image, print_per_layer_stat=True, ost=printed, flops_units="Mac", param_units=""
    )
    return ToolReport(total, params, dict(_printed_counts(printed.getvalue())))


def _ptflops_aten(module: nn.Module, image: Tensor) -> ToolReport:
    return ToolReport(*_ask_ptflops(module, image, print_per_layer_stat=False, backend="aten"))


def _ask_ptflops(module: nn.Module, image: Tensor, **options: Any) -> tuple[int, int]:
    from ptflops import get_model_complexity_info

    total, params = get_model_complexity_info(
        module, tuple(image.shape[1:]), as_strings=False, verbose=False, **options
    )
    if total is None:
        raise RuntimeError("ptflops could not count the network")
    return int(total), int(params)


_PRINTED_ROW = re.compile(
    r"(?P<indent> *)\((?P<name>\w+)\): \w+\((\d+, [\d.]+% Params, (?P<count>\d+)(\.\d+)? Mac, )?"
)


def _printed_counts(text: str) -> Iterator[tuple[str, int]]:
    """Yield names and counts of the innermost modules, as ptflops prints them in a tree."""
    path: list[str] = []
    for line in text.splitlines():
        row = _PRINTED_ROW.match(line)
        if row is None:
            continue
        del path[len(row["indent"]) // 2 - 1 :]
        path.append(row["name"])
        if row["count"] is not None:
            yield ".".join(path), int(row["count"])


def _torchinfo(module: nn.Module, image: Tensor) -> ToolReport:
    from torchinfo import summary

    result = summary(module, input_data=image, verbose=0)
    names = {id(part): name for name, part in module.named_modules()}
    rows = {names[id(row.module)]: row for row in result.summary_list}
    return ToolReport(
        int(result.total_mult_adds),
        int(result.total_params),
        {name: int(row.macs) for name, row in rows.items()},
        {name: int(row.num_params) for name, row in rows.items()},
    )


def _torch(module: nn.Module, image: Tensor) -> ToolReport:
    """Return the FLOPs of FlopCounterMode, and the parameters that the module itself has."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(image)
    root = type(module).__name__
    return ToolReport(
        counter.get_total_flops(),
        sum(parameter.numel() for parameter in module.parameters()),
        {
            name.removeprefix(f"{root}."): sum(counts.values())
            for name, counts in counter.get_flop_counts().items()
        },
        {
            name: sum(parameter.numel() for parameter in part.parameters())
            for name, part in module.named_modules()
        },
    )


def _calflops(module: nn.Module, image: Tensor) -> ToolReport:
    from calflops import calculate_flops

    _, macs, params = calculate_flops(
        module, input_shape=tuple(image.shape), output_as_string=False, print_results=False
    )
    return ToolReport(int(macs), int(params))


def _torchprofile(module: nn.Module, image: Tensor) -> ToolReport:
    from torchprofile import profile_macs

    macs = profile_macs(module, image)
    assert isinstance(macs, int)
    return ToolReport(macs)


_CHECK = "pip install 'antcost[check]'"
_ALL = (
    Tool("torch", "torch", _torch, _CHECK),
    Tool("fvcore", "fvcore", _fvcore, _CHECK),
    Tool("thop", "thop", _thop, _CHECK),
    Tool("ptflops", "ptflops", _ptflops, _CHECK),
    Tool("ptflops_aten", "ptflops", _ptflops_aten, _CHECK),
    Tool("torchinfo", "torchinfo", _torchinfo, _CHECK),
    Tool("calflops", "calflops", _calflops, "pip install calflops transformers"),
    Tool("torchprofile", "torchprofile", _torchprofile, "pip install torchprofile"),
)
TOOLS = {tool.name: tool for tool in _ALL}
