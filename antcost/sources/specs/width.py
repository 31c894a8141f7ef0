"""The width multiplier, and what `classes` stands for."""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, TypeVar

from antcost.blocks.fields import CLASSES
from antcost.sources.specs.model import Head, NetSpec, Stage

DIVISOR = 8
SCALED = ("channels", "growth", "hidden", "squeeze", "branches")
Width = TypeVar("Width")


def make_divisible(channels: int, width: Fraction) -> int:
    """Round `channels * width` to the nearest multiple of 8, never below 0.9 of the value.

    The rounding rule of the MobileNets (tensorflow/models research/slim).
    """
    value = channels * width
    rounded = max(DIVISOR, (value + Fraction(DIVISOR, 2)) // DIVISOR * DIVISOR)
    return int(rounded if rounded >= Fraction(9, 10) * value else rounded + DIVISOR)


def stage_fields(spec: NetSpec) -> list[dict[str, Any]]:
    """Return the fields of each stage with `classes` and the width put in.

    The width multiplies the channels of stages, those inside of their blocks, and the growth of
    their dense layers. The last convolution grows only above width 1.
    """
    width = Fraction(str(spec.width))
    return scaled_fields(spec, width, max(width, Fraction(1)), make_divisible)


def head_fields(spec: NetSpec, head: Head) -> list[dict[str, Any]]:
    """Return the same for the stages of an auxiliary head."""
    width = Fraction(str(spec.width))
    return [_scaled(spec, stage, width, make_divisible) for stage in head.stages]


def scaled_fields(
    spec: NetSpec, width: Width, last_width: Width, multiply: Callable[[int, Width], int]
) -> list[dict[str, Any]]:
    """Return the same with the width given, that of the last convolution apart.

    Linear layers keep their channels. A stem, after which other blocks have channels or which is
    the only convolution, is not the last one.
    """
    convs = [index for index, stage in enumerate(spec.stages) if stage.block == "conv"]
    last = convs[-1] if len(convs) > 1 and not _widths_behind(spec, convs[-1]) else None
    return [
        _scaled(spec, stage, last_width if index == last else width, multiply)
        for index, stage in enumerate(spec.stages)
    ]


def _widths_behind(spec: NetSpec, index: int) -> bool:
    """Return whether the width multiplies something after this stage."""
    stages = (stage for stage in spec.stages[index + 1 :] if stage.block != "linear")
    return any(stage.fields().get(name) is not None for stage in stages for name in SCALED)


def _scaled(
    spec: NetSpec, stage: Stage, width: Width, multiply: Callable[[int, Width], int]
) -> dict[str, Any]:
    fields = stage.fields()
    if fields.get("channels") == CLASSES:
        return fields | {"channels": spec.classes}
    if stage.block == "linear" or width == 1:
        return fields
    given = {name: fields[name] for name in SCALED if fields.get(name) is not None}
    return fields | {name: _multiplied(value, width, multiply) for name, value in given.items()}


def _multiplied(value: Any, width: Width, multiply: Callable[[int, Width], int]) -> Any:
    """Multiply channels by the width, in lists of lists, too."""
    if isinstance(value, tuple):
        return tuple(_multiplied(part, width, multiply) for part in value)
    return multiply(value, width)


def scaled_channels(fields: Mapping[str, Any]) -> Iterator[int]:
    """Yield the channels of a stage that the width multiplies."""
    return _numbers(tuple(fields[name] for name in SCALED if fields.get(name) is not None))


def _numbers(value: Any) -> Iterator[int]:
    if isinstance(value, tuple):
        for part in value:
            yield from _numbers(part)
    else:
        yield value
