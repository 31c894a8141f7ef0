"""Random networks to learn a device from: the blocks of the field, in sizes that papers have."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from random import Random
from typing import Any

from antcost.errors import SpecError
from antcost.sources.network import Network, network_of
from antcost.sources.specs.load import load

MADDS = range(20_000_000, 800_000_001)
STAGES = 4
Fields = dict[str, Any]


CHANNELS = {"channels": (1,)}


@dataclass(frozen=True, slots=True)
class Family:
    """Stages of one block, and what its fields are drawn from.

    `widths` are fields in multiples of the stage's width, in whole `multiple`s of channels; 0
    leaves what they describe out. A block that `joins` does not stride: its stage is followed by
    another one that does.
    """

    block: str
    fields: Mapping[str, Sequence[Any]]
    widths: Mapping[str, Sequence[float]]
    multiple: int
    joins: Fields | None


def family(
    block: str,
    widths: Mapping[str, Sequence[float]] = CHANNELS,
    multiple: int = 8,
    joins: Fields | None = None,
    **fields: Sequence[Any],
) -> Family:
    return Family(block, fields, widths, multiple, joins)


HIDDEN = {"channels": (1,), "hidden": (1, 2, 3, 4, 5), "squeeze": (0, 0.5, 1)}
ANT = family(
    "ant", repeat=(1, 2, 3), expansion=(2, 3, 4, 6), kernel=(3, 3, 5),
    reduction=(None, 4, 8, 16), groups=(1, 2, 4),
)  # fmt: skip
INVERTED_RESIDUAL = family(
    "inverted_residual", repeat=(1, 2, 3, 4), expansion=(1, 3, 4, 6), kernel=(3, 3, 5, 7)
)
FAMILIES = (
    ANT,
    replace(ANT, multiple=32),
    INVERTED_RESIDUAL,
    INVERTED_RESIDUAL,
    replace(INVERTED_RESIDUAL, multiple=2),
    family("basic_residual", repeat=(1, 2)),
    family("mobilenet_v3", HIDDEN, repeat=(1, 2, 3), kernel=(3, 5),
           activation=("relu", "hardswish")),
    family("ghost", HIDDEN, 4, repeat=(1, 2), kernel=(3, 5)),
    family("separable", repeat=(1, 2, 3, 4), kernel=(3, 3, 5)),
    family("separable", multiple=2, repeat=(1, 2), kernel=(3, 5, 7)),
    family("mbconv", repeat=(1, 2, 3), expansion=(1, 3, 4, 6), kernel=(3, 5),
           reduction=(None, 4), activation=("relu", "silu", "silu")),
    family("bottleneck_residual", {"channels": (2,)}, 32, repeat=(1, 2, 3), contraction=(2, 4),
           groups=(1, 1, 4, 8), reduction=(None, 16)),
    family("shuffle_v2", {"channels": (2,)}, 4, repeat=(2, 3, 4), stride=(2,)),
    family("shuffle", {"channels": (4,)}, 192, repeat=(2, 3), groups=(2, 3, 4), first_groups=(1,),
           stride=(2,)),
    family("dense", {}, joins={"block": "transition"}, repeat=(2, 3, 4, 5, 6),
           growth=(12, 16, 24, 32)),
    family("condense", {}, joins={"block": "avgpool", "kernel": 2, "stride": 2}, repeat=(2, 3),
           growth=(16, 32), groups=(4,), condensation=(4,)),
    family("e_ant", repeat=(1, 2), expansion=(2, 3), reduction=(8,), groups=((1, 2), (2, 4))),
)  # fmt: skip
"""Each is drawn as often as the others; mobile blocks are among them more than once."""


def random_networks(seed: int) -> Iterator[Network]:
    """Yield networks without end, of stages of different families, the same for a seed."""
    rng = Random(seed)
    deck: list[Family] = []
    for number in count():
        if len(deck) < STAGES:
            deck += rng.sample(FAMILIES, len(FAMILIES))
        families, deck = deck[:STAGES], deck[STAGES:]
        yield next(_fitting(rng, f"random {number}", families))


def _fitting(rng: Random, name: str, families: Sequence[Family]) -> Iterator[Network]:
    """Yield networks of these stages that can be built and are neither small nor large."""
    while True:
        with suppress(SpecError):
            network = network_of(load(_spec(rng, name, families)), name)
            if network.cost.madds in MADDS:
                yield network


def _spec(rng: Random, name: str, families: Sequence[Family]) -> Fields:
    """Return a stem, stages that grow in width while the map shrinks, and a head."""
    width = rng.uniform(16, 48)
    conv = {"block": "conv", "activation": rng.choice(("relu", "relu6"))}
    kernel = rng.choice((3, 3, 5, 7))
    stages: list[Fields] = [conv | {"kernel": kernel, "stride": 2, "channels": _rounded(width, 8)}]
    if rng.random() < 1 / 3:
        stages.append({"block": "maxpool", "kernel": 3, "stride": 2})
    for family in families:
        width *= rng.uniform(1.3, 2.1)
        stages += _stages(rng, family, width)
    if rng.random() < 0.5:
        head = _rounded(width * rng.uniform(1, 4), 8)
        stages.append(conv | {"kernel": 1, "channels": head})
    stages.append({"block": "avgpool"})
    linear = {"block": "linear", "dropout": 0.2}
    if rng.random() < 0.5:
        stages.append(linear | {"channels": _rounded(2 * width, 8), "activation": "relu"})
    stages.append(linear | {"channels": "classes"})
    side = rng.randrange(112, 257, 16)
    return {
        "name": name,
        "input": (3, side, side),
        "classes": rng.choice((10, 100, 1000)),
        "stages": [{"name": f"s{i}", **fields} for i, fields in enumerate(stages)],
    }


def _stages(rng: Random, family: Family, width: float) -> list[Fields]:
    drawn = {name: rng.choice(values) for name, values in family.fields.items()}
    ratios = {name: rng.choice(values) for name, values in family.widths.items()}
    widths = {
        name: _rounded(width * ratio, family.multiple) if ratio else None
        for name, ratio in ratios.items()
    }
    stage = {"block": family.block, **drawn, **widths}
    return [stage, family.joins] if family.joins else [{"stride": 2} | stage]


def _rounded(width: float, multiple: int) -> int:
    return max(multiple, round(width / multiple) * multiple)
