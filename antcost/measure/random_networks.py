"""Random networks to learn a device from: the blocks of the field, in sizes that papers have."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from random import Random
from typing import Any

from antcost.blocks.build import build_graph, load
from antcost.cost.analysis import analyze_graph
from antcost.errors import SpecError
from antcost.graph.graph import Graph

MADDS = range(20_000_000, 800_000_001)
STAGES = 4
Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Family:
    """Networks of one block, and what its fields are drawn from.

    `widths` are fields in multiples of the stage's width; 0 leaves what they describe out. With
    `pooled`, a max pool follows the stem; with `joins`, what widens the network is another block,
    as that of DenseNet does.
    """

    block: str
    fields: Mapping[str, Sequence[Any]]
    widths: Mapping[str, Sequence[float]] = field(default_factory=lambda: {"channels": (1,)})
    multiple: int = 8
    pooled: bool = False
    joins: str | None = None


ANT = Family(
    "ant",
    {
        "repeat": (1, 2, 3, 4),
        "expansion": (2, 3, 4, 6),
        "kernel": (3, 3, 5),
        "reduction": (None, 4, 8, 16),
        "groups": (1, 1, 2, 4),
    },
)
INVERTED_RESIDUAL = Family(
    "inverted_residual",
    {"repeat": (1, 2, 3, 4), "expansion": (1, 3, 4, 6), "kernel": (3, 3, 5, 7)},
)
FAMILIES = (
    ANT,
    INVERTED_RESIDUAL,
    Family("basic_residual", {"repeat": (1, 2)}, pooled=True),
    ANT,
    Family(
        "mobilenet_v3",
        {"repeat": (1, 2, 3), "kernel": (3, 5), "activation": ("relu", "hardswish")},
        {"channels": (1,), "hidden": (1, 2, 3, 4, 5), "squeeze": (0, 0.5, 1)},
    ),
    Family("separable", {"repeat": (1, 2, 3, 4), "kernel": (3, 3, 5)}),
    Family(
        "mbconv",
        {
            "repeat": (1, 2, 3),
            "expansion": (1, 3, 4, 6),
            "kernel": (3, 5),
            "reduction": (None, 4),
            "activation": ("relu", "silu"),
        },
    ),
    Family(
        "bottleneck_residual",
        {
            "repeat": (1, 2, 3),
            "contraction": (2, 4),
            "groups": (1, 1, 4, 8),
            "reduction": (None, 16),
        },
        {"channels": (2,)},
        multiple=32,
        pooled=True,
    ),
    Family("shuffle_v2", {"repeat": (2, 3, 4, 5), "stride": (2,)}, {"channels": (2,)}, multiple=4),
    ANT,
    Family(
        "ghost",
        {"repeat": (1, 2, 3), "kernel": (3, 5)},
        {"channels": (1,), "hidden": (1, 2, 3, 4, 5), "squeeze": (0, 0.5, 1)},
    ),
    Family(
        "dense",
        {"repeat": (2, 3, 4, 5, 6), "growth": (12, 16, 24, 32)},
        {},
        pooled=True,
        joins="transition",
    ),
    INVERTED_RESIDUAL,
    Family(
        "shuffle",
        {"repeat": (2, 3, 4), "groups": (2, 4, 8), "first_groups": (1,), "stride": (2,)},
        {"channels": (4,)},
        multiple=96,
    ),
)
"""In turn; mobile networks more often than others."""


def random_graphs(seed: int) -> Iterator[Graph]:
    """Networks without end, a family after the other; the same ones for the same seed."""
    chance = Random(seed)
    for number, family in enumerate(cycle(FAMILIES)):
        yield next(_fitting(chance, f"{family.block} {number}", family))


def _fitting(chance: Random, name: str, family: Family) -> Iterator[Graph]:
    """Networks of this family that can be built and are neither small nor large."""
    while True:
        with suppress(SpecError):
            graph = build_graph(load(_spec(chance, name, family)))
            if analyze_graph(graph).madds in MADDS:
                yield graph


def _spec(chance: Random, name: str, family: Family) -> Fields:
    """A stem, stages that grow in width while the map shrinks, and a head."""
    width = chance.choice((16, 24, 32, 40, 48))
    conv = {"block": "conv", "activation": chance.choice(("relu", "relu6"))}
    stages: list[Fields] = [conv | {"kernel": 3, "stride": 2, "channels": width}]
    if family.pooled:
        stages.append({"block": "maxpool", "kernel": 3, "stride": 2})
    for number in range(STAGES):
        width = _rounded(width * chance.uniform(1.3, 2.1), 8)
        fields = _stage(chance, family, width)
        if family.joins:
            stages += [fields, {"block": family.joins}]
        else:
            stages.append({"stride": 2 if number or not family.pooled else 1} | fields)
    if chance.random() < 0.5:
        head = _rounded(width * chance.uniform(1, 4), 8)
        stages.append(conv | {"kernel": 1, "channels": head})
    stages += [{"block": "avgpool"}, {"block": "linear", "channels": "classes"}]
    side = chance.randrange(112, 257, 16)
    return {
        "name": name,
        "input": (3, side, side),
        "classes": chance.choice((10, 100, 1000)),
        "stages": [{"name": f"s{i}", **fields} for i, fields in enumerate(stages)],
    }


def _stage(chance: Random, family: Family, width: int) -> Fields:
    drawn = {name: chance.choice(values) for name, values in family.fields.items()}
    ratios = {name: chance.choice(values) for name, values in family.widths.items()}
    widths = {
        name: _rounded(width * ratio, family.multiple) if ratio else None
        for name, ratio in ratios.items()
    }
    return {"block": family.block, **drawn, **widths}


def _rounded(width: float, multiple: int) -> int:
    return max(multiple, round(width / multiple) * multiple)
