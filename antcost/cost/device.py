"""What a device takes for a layer: an additive cost, read from a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from antcost.cost.analysis import NetCost, Row
from antcost.cost.kernels import KernelWork, kernel_work
from antcost.errors import AntcostError, SpecError
from antcost.graph.shape import certain
from antcost.yamlfile.document import Document, read_document
from antcost.yamlfile.fields import Fields, Text
from antcost.yamlfile.validation import add_errors

OTHER = "other"
FS_PER_US, FS_PER_PS = 10**9, 10**3
RATES = {
    "us_per_layer": ("layers", FS_PER_US),
    "us_per_group": ("groups", FS_PER_US),
    "ps_per_madd": ("madds", FS_PER_PS),
    "ps_per_byte": ("traffic_bytes", FS_PER_PS),
    "ps_per_input_byte": ("input_bytes", FS_PER_PS),
    "ps_per_output_byte": ("output_bytes", FS_PER_PS),
    "ps_per_weight_byte": ("weight_bytes", FS_PER_PS),
}
"""For each rate of a device file the part of a layer's work it is for, and its femtoseconds."""

MOST = 2**59
"""Femtoseconds, so that sums of several fit into the 64 bits of arrays."""
CACHE_BYTES = 4 * 2**20
Rate = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Limit = Annotated[int, Field(ge=0, lt=2**63)]
Range = Annotated[tuple[Limit, Limit], Field(strict=False)]
Share = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class Seen(Fields):
    """The smallest and the largest layers that rates were learned from."""

    madds: Range
    bytes: Range
    window: Range


class LayerTime(Fields):
    """The time of a layer of one kind: what each takes, and each part of its work.

    `ps_per_byte` is for inputs, parameters and outputs alike.
    """

    us_per_layer: Rate = 0.0
    us_per_group: Rate = 0.0
    ps_per_madd: Rate = 0.0
    ps_per_byte: Rate = 0.0
    ps_per_input_byte: Rate = 0.0
    ps_per_output_byte: Rate = 0.0
    ps_per_weight_byte: Rate = 0.0
    seen: Seen | None = None


class Errors(Fields):
    """Relative errors of predictions for networks that nothing was learned from."""

    networks: Annotated[int, Field(ge=1, le=10_000)]
    median: Share
    largest: Share
    within_10_percent: Annotated[float, Field(ge=0, le=1)]


class DeviceFields(Fields):
    """The fields of a device file; `measured` says how its numbers were found.

    `ps_per_spilled_byte` is for what the maps of a layer have beyond `cache_bytes`.
    """

    device: Text
    block: Annotated[int, Field(ge=1, le=1024)] = 1
    cache_bytes: Limit = CACHE_BYTES
    ps_per_spilled_byte: Rate = 0.0
    kinds: Annotated[dict[str, LayerTime], Field(min_length=1)]
    errors: Errors | None = None
    measured: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rates:
    """What layers of one kind take: femtoseconds for each part of their work, as in `RATES`."""

    fs: tuple[int, ...]
    seen: Seen | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """A device, and the rates of each kind of layer on it.

    It takes `block` channels at once, and `spilled_fs` for each byte of a layer's maps beyond
    `cache_bytes`. `errors` and `measured` are those of a profile; a device file written by hand has
    neither.
    """

    name: str
    kinds: Mapping[str, Rates]
    block: int = 1
    cache_bytes: int = CACHE_BYTES
    spilled_fs: int = 0
    errors: Errors | None = None
    measured: Mapping[str, Any] = field(default_factory=dict)

    def latency_ps(self, cost: NetCost) -> int:
        """Return the picoseconds for one image: the sum over the layers.

        Raises AntcostError for a kind of layer that the device file does not know.
        """
        every = kernel_work(cost, self.block, self.cache_bytes)
        return sum(map(self._layer_ps, cost.layers, every))

    def predict(self, cost: NetCost) -> "Prediction":
        """Return the latency of each layer; those that run merged into another take nothing.

        Raises AntcostError for a kind of layer that the device file does not know.
        """
        every = kernel_work(cost, self.block, self.cache_bytes)
        return Prediction(
            device=self,
            layers_ps=dict(
                zip(
                    (row.name for row in cost.layers),
                    map(self._layer_ps, cost.layers, every),
                    strict=True,
                )
            ),
            outside=tuple(
                row.name
                for row, work in zip(cost.layers, every, strict=True)
                if self.errors and not row.nodes[0].origin.training and not self._like_seen(work)
            ),
        )

    def _like_seen(self, work: KernelWork) -> bool:
        """Return whether a layer is within the range of those that its rates were learned from."""
        rates = self.kinds.get(work.kinds[0])
        if rates is None or rates.seen is None:
            return False
        return all(
            low <= amount <= high
            for amount, (low, high) in (
                (work.madds, rates.seen.madds),
                (work.moved_bytes, rates.seen.bytes),
                (work.window, rates.seen.window),
            )
        )

    def _layer_ps(self, row: Row, work: KernelWork) -> int:
        """Return the picoseconds of a layer: none for one that only training has."""
        if row.nodes[0].origin.training:
            return 0
        known = [kind for kind in (*work.kinds, OTHER) if kind in self.kinds]
        if not known:
            kind = work.kinds[-1]
            raise AntcostError(f"{self.name}: the device file knows no {kind!r}, and no {OTHER!r}")
        fs = (self.spilled_fs, *self.kinds[known[0]].fs)
        amounts = ("spilled_bytes", *(amount for amount, _ in RATES.values()))
        total = 0
        for amount, rate in zip(amounts, fs, strict=True):
            count = getattr(work, amount)
            if certain(count > MOST // (rate + 1)):
                raise AntcostError(f"{row.name}: takes more picoseconds than 64 bits hold")
            total = total + count * rate
        return total // FS_PER_PS


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a device takes for each layer of a network, in picoseconds, by its name.

    `outside` are the layers unlike all that the device was profiled with.
    """

    device: Device
    layers_ps: Mapping[str, int]
    outside: tuple[str, ...]

    @property
    def latency_ps(self) -> int:
        """Picoseconds of the whole network."""
        return sum(self.layers_ps.values())

    @property
    def outside_share(self) -> Fraction:
        """The share of the latency that the layers outside have."""
        outside_ps = sum(self.layers_ps[name] for name in self.outside)
        return Fraction(outside_ps, self.latency_ps or 1)

    def of(self, row: Row) -> int:
        """Return the picoseconds of the layers of a row."""
        return sum(self.layers_ps[node.name] for node in row.nodes)


def load_device(path: Path) -> Device:
    """Read a device file. Raises SpecError with everything that is wrong in it."""
    return read_device(read_document(path))


def read_device(document: Document) -> Device:
    """Return the device that a file describes. Raises SpecError with everything that is wrong
    in it.
    """
    try:
        fields = DeviceFields.model_validate(document.tree)
    except ValidationError as error:
        add_errors(document, (), error, DeviceFields.model_fields)
        raise SpecError(document.problems) from None
    return Device(
        fields.device,
        {name: _rates(time) for name, time in fields.kinds.items()},
        fields.block,
        fields.cache_bytes,
        _fs(fields.ps_per_spilled_byte, FS_PER_PS),
        fields.errors,
        fields.measured,
    )


def _rates(time: LayerTime) -> Rates:
    fs = (_fs(getattr(time, rate), unit) for rate, (_, unit) in RATES.items())
    return Rates(tuple(fs), time.seen)


def _fs(rate: float, unit: int) -> int:
    return round(Fraction(str(rate)) * unit)
