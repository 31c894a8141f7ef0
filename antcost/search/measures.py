"""What a search counts of blocks, in arrays: a block may stand for many of its kind at once."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import reduce
from typing import Any, assert_never

import numpy as np

from antcost.cost.analysis import NetCost
from antcost.cost.device import Device
from antcost.cost.measures import Measure, measures
from antcost.cost.memory import BYTES, Dtype, live_elems
from antcost.graph import layers as L


def array_measures(dtype: Dtype = "fp32", device: Device | None = None) -> Mapping[str, Measure]:
    """Return the measures by name, of graphs whose dimensions are integers or arrays of them."""
    known = measures(dtype, device)
    peak = replace(known["peak_memory"], of=lambda cost: _peak(cost, dtype))
    return known | {"peak_memory": peak}


def _peak(cost: NetCost, dtype: Dtype) -> Any:
    """Return the peak memory of one block whose input and output are the only tensors it shares."""
    live = live_elems(cost.graph) or [cost.graph.input.numel]
    return reduce(np.maximum, live) * BYTES[dtype]


def conv_layers(cost: NetCost) -> int:
    """Return L of DeepMAD (arXiv 2303.02165): how many convolutions there are."""
    return len(list(_fans_in(cost)))


def log_fan_in(cost: NetCost) -> Any:
    """Sum over convolutions of log(c_in * k^2 / g), the log widths of DeepMAD."""
    return sum((np.log(fan) for fan in _fans_in(cost)), 0.0)


def _fans_in(cost: NetCost) -> Iterator[int]:
    """Yield c_in * k^2 / g of each convolution."""
    for node in cost.graph.nodes:
        match node.layer:
            case L.Conv2d(kernel=(k_h, k_w), groups=groups):
                yield k_h * k_w * (node.input_shapes[0].c // groups)
            case (
                L.ConvTranspose2d() | L.Linear() | L.BatchNorm() | L.Activation() | L.MaxPool2d()
                | L.AvgPool2d() | L.GlobalAvgPool() | L.Add() | L.Multiply() | L.Complement()
                | L.Concat() | L.ChannelShuffle() | L.SelectChannels() | L.Shift()
                | L.SliceChannels() | L.WeightedSum() | L.Flatten() | L.Dropout()
            ):  # fmt: skip
                continue
            case _:
                assert_never(node.layer)
