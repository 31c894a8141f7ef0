"""The layers: a closed union of frozen data.

A new layer is one class here, one shape rule in `shapes.py`, one name in `operators.py` and one
formula in `cost/formulas.py`; the type checker lists the places that still miss it.
"""

from dataclasses import dataclass
from typing import Literal

Pair = tuple[int, int]
Padding = Literal["same", "valid"] | Pair
ActivationKind = Literal[
    "relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "mish", "tanh",
    "sigmoid", "hardsigmoid", "hardswish",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Conv2d:
    """2-D convolution; depthwise if groups = c_in."""

    channels: int
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Padding = "same"
    dilation: Pair = (1, 1)
    groups: int = 1
    bias: bool = False


@dataclass(frozen=True, slots=True)
class ConvTranspose2d:
    """Transposed 2-D convolution, which makes maps larger."""

    channels: int
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    groups: int = 1
    bias: bool = False


@dataclass(frozen=True, slots=True)
class Linear:
    """Fully connected layer on a vector."""

    channels: int
    bias: bool = True


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """Batch normalisation with a learned scale and shift per channel."""


@dataclass(frozen=True, slots=True)
class Activation:
    """An element-wise function."""

    kind: ActivationKind


@dataclass(frozen=True, slots=True)
class MaxPool2d:
    """The maximum of each window; with `ceil`, the last window may end outside of the map."""

    kernel: Pair
    stride: Pair
    padding: Padding = "same"
    ceil: bool = False


@dataclass(frozen=True, slots=True)
class AvgPool2d:
    kernel: Pair
    stride: Pair
    padding: Padding = "valid"


@dataclass(frozen=True, slots=True)
class GlobalAvgPool:
    """The mean of each channel: (c, h, w) -> (c, 1, 1)."""


@dataclass(frozen=True, slots=True)
class Add:
    """Element-wise sum of two or more equal shapes."""


@dataclass(frozen=True, slots=True)
class Multiply:
    """Element-wise product; the second input is broadcast over the first: (c, h, w) * (c,)."""


@dataclass(frozen=True, slots=True)
class Complement:
    """1 - x, element-wise: what a gate lets pass when x is what it transforms."""


@dataclass(frozen=True, slots=True)
class Concat:
    """Join along the channels."""


@dataclass(frozen=True, slots=True)
class ChannelShuffle:
    """Channel i of group g becomes channel g of group i: (groups, c / groups) is transposed."""

    groups: int


@dataclass(frozen=True, slots=True)
class SelectChannels:
    """Channels by a fixed index, which training has found; one may be selected several times."""

    channels: int


@dataclass(frozen=True, slots=True)
class Shift:
    """A map moved one pixel up and to the left; zeros enter at the bottom and at the right."""


@dataclass(frozen=True, slots=True)
class SliceChannels:
    """`channels` channels in their order, from `start` on."""

    start: int
    channels: int


@dataclass(frozen=True, slots=True)
class WeightedSum:
    """Sum of branches, weighted by a softmax over one learned scalar per branch."""


@dataclass(frozen=True, slots=True)
class Flatten:
    """(c, h, w) -> (c * h * w,)."""


@dataclass(frozen=True, slots=True)
class Dropout:
    """Identity at inference."""

    rate: float


Layer = (
    Conv2d
    | ConvTranspose2d
    | Linear
    | BatchNorm
    | Activation
    | MaxPool2d
    | AvgPool2d
    | GlobalAvgPool
    | Add
    | Multiply
    | Complement
    | Concat
    | ChannelShuffle
    | SelectChannels
    | Shift
    | SliceChannels
    | WeightedSum
    | Flatten
    | Dropout
)
