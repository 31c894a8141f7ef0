"""The shape of one tensor, for one image, and what is certain about its dimensions."""

from dataclasses import dataclass
from math import prod

MAX_SIDE = 65_536
"""Most rows or columns of a map."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Any number of dimensions, channels first: (c,), (c, h, w), ... without the batch."""

    dims: tuple[int, ...]

    @property
    def c(self) -> int:
        return self.dims[0]

    @property
    def h(self) -> int:
        return self.dims[1]

    @property
    def w(self) -> int:
        return self.dims[2]

    @property
    def rank(self) -> int:
        return len(self.dims)

    @property
    def numel(self) -> int:
        return prod(self.dims)

    def __str__(self) -> str:
        return "x".join(map(str, self.dims))


def certain(condition: bool) -> bool:
    """Return whether a condition holds for sure: of integers if it is true, of symbols if it must
    be.

    Dimensions may be SymPy symbols, whose `c % groups > 0` or `r > c` is often neither.
    """
    return condition == True  # noqa: E712 - SymPy's true equals True, but is another object
