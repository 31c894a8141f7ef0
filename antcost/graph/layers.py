"""The layers: a closed union of frozen data.

A new layer is one class here, with the kind that tables group it by; the type checker lists every
other place that has to handle it.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

Pair = tuple[int, int]
Padding = Literal["same", "valid"] | Pair
ActivationKind = Literal[
    "relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "mish", "tanh",
    "sigmoid", "hardsigmoid", "hardswish",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Conv2d:
    """2-D convolution; depthwise if groups = c_in."""

    kind: ClassVar[str] = "conv"

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

    kind: ClassVar[str] = "transposed conv"

    channels: int
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    groups: int = 1
    bias: bool = False


@dataclass(frozen=True, slots=True)
class Linear:
    """Fully connected layer on a vector."""

    kind: ClassVar[str] = "linear"

    channels: int
    bias: bool = True


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """Batch normalisation with a learned scale and shift per channel."""

    kind: ClassVar[str] = "batch norm"


@dataclass(frozen=True, slots=True)
class Activation:
    """An element-wise function."""

    kind: ClassVar[str] = "activation"

    function: ActivationKind


@dataclass(frozen=True, slots=True)
class MaxPool2d:
    """The maximum of each window; with `ceil`, the last window may end outside of the map."""

    kind: ClassVar[str] = "max pool"

    kernel: Pair
    stride: Pair
    padding: Padding = "same"
    ceil: bool = False


@dataclass(frozen=True, slots=True)
class AvgPool2d:
    kind: ClassVar[str] = "average pool"
    kernel: Pair
    stride: Pair
    padding: Padding = "valid"


@dataclass(frozen=True, slots=True)
class GlobalAvgPool:
    """The mean of each channel: (c, h, w) -> (c, 1, 1)."""

    kind: ClassVar[str] = "global average pool"


@dataclass(frozen=True, slots=True)
class Add:
    """Element-wise sum of two or more equal shapes."""

    kind: ClassVar[str] = "add"


@dataclass(frozen=True, slots=True)
class Multiply:
    """Element-wise product; the second input is broadcast over the first: (c, h, w) * (c,)."""

    kind: ClassVar[str] = "multiply"


@dataclass(frozen=True, slots=True)
class Complement:
    """1 - x, element-wise: what a gate lets pass when x is what it transforms."""

    kind: ClassVar[str] = "complement"


@dataclass(frozen=True, slots=True)
class Concat:
    """Join along the channels."""

    kind: ClassVar[str] = "concat"


@dataclass(frozen=True, slots=True)
class ChannelShuffle:
    """Channel i of group g becomes channel g of group i: (groups, c / groups) is transposed."""

    kind: ClassVar[str] = "channel shuffle"

    groups: int


@dataclass(frozen=True, slots=True)
class SelectChannels:
    """Channels by a fixed index, which training has found; one may be selected several times."""

    kind: ClassVar[str] = "channel selection"

    channels: int


@dataclass(frozen=True, slots=True)
class Shift:
    """A map moved one pixel up and to the left; zeros enter at the bottom and at the right."""

    kind: ClassVar[str] = "shift"


@dataclass(frozen=True, slots=True)
class SliceChannels:
    """`channels` channels in their order, from `start` on."""

    kind: ClassVar[str] = "channel slice"

    start: int
    channels: int


@dataclass(frozen=True, slots=True)
class WeightedSum:
    """Sum of branches, weighted by a softmax over one learned scalar per branch."""

    kind: ClassVar[str] = "weighted sum"


@dataclass(frozen=True, slots=True)
class Flatten:
    """(c, h, w) -> (c * h * w,)."""

    kind: ClassVar[str] = "flatten"


@dataclass(frozen=True, slots=True)
class Dropout:
    """Identity at inference."""

    kind: ClassVar[str] = "dropout"

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
