"""The blocks by name."""

from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Concatenate, TypeVar

from antcost.graph.tape import Tape, Tensor

ENTRY_POINTS = "antcost.blocks"
Block = Callable[Concatenate[Tape, Tensor, ...], Tensor]
B = TypeVar("B", bound=Callable[..., Tensor])

_built_in: dict[str, Block] = {}


def block(name: str) -> Callable[[B], B]:
    """Register a built-in block under the name that specs call it by."""

    def register(function: B) -> B:
        assert name not in _built_in, f"two blocks are called {name}"
        _built_in[name] = function
        return function

    return register


@cache
def _third_party() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


@cache
def block_function(name: str) -> Block:
    """Return the function of a block. Raises KeyError if there is none."""
    function: Block = _built_in[name] if name in _built_in else _third_party()[name].load()
    return function


def block_names() -> list[str]:
    """Return the names of all blocks: those that ship and those of installed packages."""
    return list({**_built_in, **_third_party()})
