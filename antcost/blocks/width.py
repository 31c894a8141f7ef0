"""The width multiplier, and what `classes` stands for."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from antcost.blocks.fields import CLASSES
from antcost.spec.model import NetSpec

DIVISOR = 8


def make_divisible(channels: int, width: Fraction) -> int:
    """`channels * width` to the nearest multiple of 8, never below 0.9 of the value.

    The rounding rule of the MobileNets (tensorflow/models research/slim).
    """
    value = channels * width
    rounded = max(DIVISOR, (value + Fraction(DIVISOR, 2)) // DIVISOR * DIVISOR)
    return int(rounded if rounded >= Fraction(9, 10) * value else rounded + DIVISOR)


def stage_fields(spec: NetSpec) -> Iterator[dict[str, Any]]:
    """The fields of each stage with `classes` and the width put in.

    The classifier keeps its classes, and the last convolution before it grows only above width 1.
    """
    rows = [stage.fields() for stage in spec.stages]
    scalable = [i for i, row in enumerate(rows) if row.get("channels", CLASSES) != CLASSES]
    last = scalable[-1] if scalable else None
    width = Fraction(str(spec.width))
    for index, (stage, row) in enumerate(zip(spec.stages, rows, strict=True)):
        if index not in scalable:
            yield row | ({"channels": spec.classes} if "channels" in row else {})
        elif width == 1:
            yield row
        else:
            grows_only = index == last and stage.block == "conv" and len(scalable) > 1
            factor = max(width, Fraction(1)) if grows_only else width
            yield row | {"channels": make_divisible(row["channels"], factor)}
