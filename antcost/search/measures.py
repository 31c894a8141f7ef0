"""What a search counts of blocks, in arrays: a block may stand for many of its kind at once."""

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from typing import Any

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
    return sum(isinstance(node.layer, L.Conv2d) for node in cost.graph.nodes)


def log_fan_in(cost: NetCost) -> Any:
    """Sum over convolutions of log(c_in * k^2 / g), the log widths of DeepMAD."""
    fans = (
        node.layer.kernel[0] * node.layer.kernel[1] * (node.input_shapes[0].c // node.layer.groups)
        for node in cost.graph.nodes
        if isinstance(node.layer, L.Conv2d)
    )
    return sum((np.log(fan) for fan in fans), 0.0)
