"""Many integers at once: blocks, shape rules and cost formulas run on arrays, none written twice.

Where code asks which arc to go ("does the block keep its shape?") and the answer differs between
lanes, the run is abandoned and repeated for each answer.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from antcost.errors import ShapeError
from antcost.search.arrays import BoolArray, IntArray

T = TypeVar("T")


class DivergenceError(Exception):
    """The lanes do not agree; `mask` are those for which the answer is yes."""

    def __init__(self, mask: BoolArray) -> None:
        super().__init__("lanes that differ")
        self.mask = mask


class ArrayInt(npt.NDArray[Any]):
    """An array that stands for one integer: its truth is that of all lanes, or there are two."""

    def __bool__(self) -> bool:
        answers = self.view(np.ndarray)
        if answers.all():
            return True
        if not answers.any():
            return False
        raise DivergenceError(answers.astype(bool))

    def __eq__(self, other: object) -> Any:
        """Compare lane by lane; an integer equals no pair, such as a stride of (1, 1)."""
        return False if isinstance(other, tuple) else super().__eq__(other)

    def __index__(self) -> int:
        bool(self == self[0])  # forks unless all lanes are the same
        return int(self[0])

    def __hash__(self) -> int:  # type: ignore[override]  # arrays have none
        return id(self)


def run_vectorized(
    function: Callable[..., T], columns: Mapping[str, IntArray], lanes: IntArray
) -> Iterator[tuple[IntArray, T]]:
    """Call `function` with each column as one integer, for the given lanes of the columns.

    Yields sets of lanes that took the same way through the code, with what it made. Lanes for
    which it raises ShapeError are left out: these networks cannot be built.
    """
    waiting = [lanes] if len(lanes) else []
    while waiting:
        lanes = waiting.pop()
        values = {name: _shrunk(column[lanes]) for name, column in columns.items()}
        try:
            yield lanes, function(**values)
        except DivergenceError as fork:
            waiting += [lanes[~fork.mask], lanes[fork.mask]]
        except ShapeError:
            continue


def _shrunk(column: IntArray) -> Any:
    """Return a plain integer where all lanes have the same, which no question can split."""
    first = column[0]
    return int(first) if (column == first).all() else column.view(ArrayInt)


def filled(value: Any, lanes: IntArray) -> npt.NDArray[Any]:
    """Return what a run made, as an array with an entry for each of its lanes."""
    return np.broadcast_to(np.asarray(value), lanes.shape)
