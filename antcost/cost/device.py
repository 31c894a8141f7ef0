"""What a device takes for a layer: an additive cost, read from a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from pydantic import Field, ValidationError

from antcost.cost.analysis import NetCost, Row
from antcost.cost.memory import traffic_bytes
from antcost.errors import AntcostError, SpecError
from antcost.graph.operators import kind
from antcost.graph.shape import certain
from antcost.spec.complaints import blame_all
from antcost.spec.document import Document
from antcost.spec.model import Fields, Text

OTHER = "other"
PS_PER_US, FS_PER_NS = 10**6, 10**6
FS_PER_PS = 1000
MOST = 2**62
"""Femtoseconds, so that sums of two fit into the 64 bits of arrays."""
Rate = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
Overhead = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class LayerTime(Fields):
    """The time of a layer of one kind: what each takes, and each multiply-add and byte moved."""

    us_per_layer: Overhead = 0.0
    ns_per_madd: Rate = 0.0
    ns_per_byte: Rate = 0.0


class DeviceFields(Fields):
    """The fields of a device file."""

    device: Text
    kinds: Annotated[dict[str, LayerTime], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Device:
    """A device, and for each kind of layer its (ps a layer, fs a multiply-add, fs a byte)."""

    name: str
    kinds: Mapping[str, tuple[int, int, int]]

    def latency_ps(self, cost: NetCost) -> int:
        """Picoseconds for one image in fp32: the sum over the layers.

        Raises AntcostError for a kind of layer that the device file does not know.
        """
        return sum(self._layer_ps(row) for row in cost.layers)

    def _layer_ps(self, row: Row) -> int:
        name = kind(row.nodes[0])
        if name not in self.kinds and OTHER not in self.kinds:
            raise AntcostError(f"{self.name}: the device file knows no {name!r}, and no {OTHER!r}")
        layer_ps, madd_fs, byte_fs = self.kinds.get(name) or self.kinds[OTHER]
        moved = traffic_bytes(row)
        if certain(row.madds > MOST // (madd_fs + 1)) or certain(moved > MOST // (byte_fs + 1)):
            raise AntcostError(f"{row.name}: takes more picoseconds than 64 bits hold")
        return layer_ps + (row.madds * madd_fs + moved * byte_fs) // FS_PER_PS


def read_device(document: Document) -> Device:
    """The device that a file describes. Raises SpecError with everything that is wrong in it."""
    try:
        fields = DeviceFields.model_validate(document.tree)
    except ValidationError as error:
        blame_all(document, (), error, DeviceFields.model_fields)
        raise SpecError(document.problems) from None
    return Device(fields.device, {name: _integers(time) for name, time in fields.kinds.items()})


def _integers(time: LayerTime) -> tuple[int, int, int]:
    return (
        round(Fraction(str(time.us_per_layer)) * PS_PER_US),
        round(Fraction(str(time.ns_per_madd)) * FS_PER_NS),
        round(Fraction(str(time.ns_per_byte)) * FS_PER_NS),
    )
