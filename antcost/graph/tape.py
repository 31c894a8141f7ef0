"""The tape that records layers while blocks run. It is gone once the Graph is made."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from antcost.errors import ShapeError
from antcost.graph import layers as L
from antcost.graph.graph import INPUT, Graph, Node, Origin
from antcost.graph.shape import Shape
from antcost.graph.shapes import output_shape

PREVIOUS = "previous"
MAX_LAYERS = 20_000
Size = int | L.Pair


@dataclass(frozen=True, slots=True)
class Tensor:
    """What a layer made, as blocks hand it on."""

    name: str
    shape: Shape

    @property
    def c(self) -> int:
        return self.shape.c


class Tape:
    """Records each layer a block asks for. Every method returns the layer's output."""

    def __init__(self, input_shape: Shape, previous: Shape | None = None) -> None:
        """`previous` is what the first block finds as its second-last input."""
        self.input = Tensor(INPUT, input_shape)
        self.previous = Tensor(PREVIOUS, previous) if previous else None
        self._inputs: dict[Tensor, Tensor] = {}
        self._nodes: list[Node] = []
        self._names: set[str] = set()
        self._origin = Origin("", 0, "", "")
        self._prefix = ""

    @property
    def index(self) -> int:
        """Return how many blocks of the stage stand before the one that is recorded."""
        return self._origin.index

    @contextmanager
    def block(self, origin: Origin, x: Tensor) -> Iterator[None]:
        """Layers recorded inside belong to this block, whose input is x.

        `previous` is meanwhile what the block that made x had read, or None for the image or where
        no block made x.
        """
        self._origin = origin
        self.previous = self._inputs.get(x)
        with self.scope(origin.name):
            yield

    def made(self, x: Tensor, y: Tensor) -> None:
        """Remember that a block has made y of x."""
        if x not in (self.input, y):
            self._inputs[y] = x

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Layers recorded inside get `name.` before their names."""
        outer, self._prefix = self._prefix, f"{self._prefix}{name}."
        try:
            yield
        finally:
            self._prefix = outer

    def graph(self, name: str, output: Tensor) -> Graph:
        """Return what was recorded, as a network with this output."""
        return Graph(name, self.input.shape, tuple(self._nodes), output.name)

    def record(self, layer: L.Layer, *inputs: Tensor, name: str) -> Tensor:
        """Append one layer. Raises ShapeError if it cannot read its inputs, or is named twice."""
        full_name = self._prefix + name
        if len(self._nodes) == MAX_LAYERS:
            raise ShapeError(f"the network has more than {MAX_LAYERS:,} layers", "repeat")
        if full_name in self._names:
            raise ShapeError(f"two layers are called {full_name}; the block has to name them apart")
        shapes = tuple(x.shape for x in inputs)
        try:
            shape = output_shape(layer, shapes)
        except ShapeError as error:
            raise ShapeError(f"{full_name}: {error}", error.field) from None
        names = tuple(x.name for x in inputs)
        self._nodes.append(Node(full_name, layer, names, shapes, shape, self._origin))
        self._names.add(full_name)
        return Tensor(full_name, shape)

    def conv(
        self,
        x: Tensor,
        channels: int,
        *,
        kernel: Size = 1,
        stride: Size = 1,
        padding: L.Padding | int = "same",
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = False,
        name: str = "conv",
    ) -> Tensor:
        layer = L.Conv2d(
            channels,
            _pair(kernel),
            _pair(stride),
            _padding(padding),
            _pair(dilation),
            groups,
            bias,
        )
        return self.record(layer, x, name=name)

    def conv_transpose(
        self,
        x: Tensor,
        channels: int,
        *,
        kernel: Size,
        stride: Size,
        padding: Size = 0,
        groups: int = 1,
        bias: bool = False,
        name: str = "conv",
    ) -> Tensor:
        layer = L.ConvTranspose2d(
            channels, _pair(kernel), _pair(stride), _pair(padding), groups, bias
        )
        return self.record(layer, x, name=name)

    def conv_bn(
        self,
        x: Tensor,
        channels: int,
        *,
        name: str,
        kernel: Size = 1,
        stride: Size = 1,
        groups: int = 1,
    ) -> Tensor:
        """Convolution `name.conv` and batch norm `name.bn`."""
        x = self.conv(x, channels, kernel=kernel, stride=stride, groups=groups, name=f"{name}.conv")
        return self.batch_norm(x, name=f"{name}.bn")

    def conv_bn_act(
        self,
        x: Tensor,
        channels: int,
        *,
        name: str,
        kernel: Size = 1,
        stride: Size = 1,
        groups: int = 1,
        activation: L.ActivationKind = "relu6",
    ) -> Tensor:
        """Return the same with an activation `name.act`."""
        x = self.conv_bn(x, channels, name=name, kernel=kernel, stride=stride, groups=groups)
        return self.activation(x, activation, name=f"{name}.act")

    def linear(
        self, x: Tensor, channels: int, *, bias: bool = True, name: str = "linear"
    ) -> Tensor:
        return self.record(L.Linear(channels, bias), x, name=name)

    def batch_norm(self, x: Tensor, *, name: str = "bn") -> Tensor:
        return self.record(L.BatchNorm(), x, name=name)

    def activation(self, x: Tensor, kind: L.ActivationKind, *, name: str = "act") -> Tensor:
        return self.record(L.Activation(kind), x, name=name)

    def max_pool(
        self,
        x: Tensor,
        *,
        kernel: Size,
        stride: Size,
        padding: L.Padding | int,
        ceil: bool = False,
        name: str = "pool",
    ) -> Tensor:
        layer = L.MaxPool2d(_pair(kernel), _pair(stride), _padding(padding), ceil)
        return self.record(layer, x, name=name)

    def avg_pool(
        self, x: Tensor, *, kernel: Size, stride: Size, padding: L.Padding | int, name: str = "pool"
    ) -> Tensor:
        layer = L.AvgPool2d(_pair(kernel), _pair(stride), _padding(padding))
        return self.record(layer, x, name=name)

    def global_avg_pool(self, x: Tensor, *, name: str = "pool") -> Tensor:
        return self.record(L.GlobalAvgPool(), x, name=name)

    def add(self, *inputs: Tensor, name: str = "add") -> Tensor:
        return self.record(L.Add(), *inputs, name=name)

    def multiply(self, x: Tensor, factor: Tensor, *, name: str = "multiply") -> Tensor:
        return self.record(L.Multiply(), x, factor, name=name)

    def complement(self, x: Tensor, *, name: str = "complement") -> Tensor:
        return self.record(L.Complement(), x, name=name)

    def concat(self, *inputs: Tensor, name: str = "concat") -> Tensor:
        return self.record(L.Concat(), *inputs, name=name)

    def channel_shuffle(self, x: Tensor, groups: int, *, name: str = "shuffle") -> Tensor:
        return self.record(L.ChannelShuffle(groups), x, name=name)

    def select_channels(self, x: Tensor, channels: int, *, name: str = "select") -> Tensor:
        return self.record(L.SelectChannels(channels), x, name=name)

    def shift(self, x: Tensor, *, name: str = "shift") -> Tensor:
        return self.record(L.Shift(), x, name=name)

    def slice_channels(
        self, x: Tensor, start: int, channels: int, *, name: str = "slice"
    ) -> Tensor:
        return self.record(L.SliceChannels(start, channels), x, name=name)

    def weighted_sum(self, *branches: Tensor, name: str = "weighted_sum") -> Tensor:
        return self.record(L.WeightedSum(), *branches, name=name)

    def flatten(self, x: Tensor, *, name: str = "flatten") -> Tensor:
        return self.record(L.Flatten(), x, name=name)

    def dropout(self, x: Tensor, rate: float, *, name: str = "dropout") -> Tensor:
        return self.record(L.Dropout(rate), x, name=name)


def _pair(size: Size) -> L.Pair:
    return size if isinstance(size, tuple) else (size, size)


def _padding(padding: L.Padding | int) -> L.Padding:
    return (padding, padding) if isinstance(padding, int) else padding
