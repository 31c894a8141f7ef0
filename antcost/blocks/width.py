"""The width multiplier, and what `classes` stands for."""

from fractions import Fraction
from typing import Any

from antcost.blocks.fields import CLASSES
from antcost.spec.model import NetSpec, Stage

DIVISOR = 8
SCALED = ("channels", "growth")


def make_divisible(channels: int, width: Fraction) -> int:
    """`channels * width` to the nearest multiple of 8, never below 0.9 of the value.

    The rounding rule of the MobileNets (tensorflow/models research/slim).
    """
    value = channels * width
    rounded = max(DIVISOR, (value + Fraction(DIVISOR, 2)) // DIVISOR * DIVISOR)
    return int(rounded if rounded >= Fraction(9, 10) * value else rounded + DIVISOR)


def stage_fields(spec: NetSpec) -> list[dict[str, Any]]:
    """The fields of each stage with `classes` and the width put in.

    The width multiplies the channels of stages and the growth of their dense layers. Linear layers
    keep their channels, and the last convolution grows only above width 1. A stem
    that is the only convolution is not the last one.
    """
    width = Fraction(str(spec.width))
    convs = [index for index, stage in enumerate(spec.stages) if stage.block == "conv"]
    last = convs[-1] if len(convs) > 1 else None
    return [
        _scaled(spec, stage, max(width, Fraction(1)) if index == last else width)
        for index, stage in enumerate(spec.stages)
    ]


def _scaled(spec: NetSpec, stage: Stage, width: Fraction) -> dict[str, Any]:
    fields = stage.fields()
    if fields.get("channels") == CLASSES:
        return fields | {"channels": spec.classes}
    if stage.block == "linear" or width == 1:
        return fields
    given = {name: fields[name] for name in SCALED if fields.get(name) is not None}
    return fields | {name: make_divisible(value, width) for name, value in given.items()}
