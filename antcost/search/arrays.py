"""Arrays with an entry for each transition or path, and dataclasses of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def take(entries: T, chosen: IntArray | BoolArray | slice) -> T:
    """Return some entries of a dataclass of arrays, or of tuples and mappings of arrays."""
    some: T = _combined(lambda array: array[chosen], entries)
    return some


def concatenate(parts: Sequence[T]) -> T:
    """Return the entries of several such dataclasses as one."""
    whole: T = _combined(lambda *arrays: np.concatenate(arrays), *parts)
    return whole


def broadcast(entry: T, size: int) -> T:
    """Return a dataclass of arrays or of single numbers with so many entries in each."""
    filled: T = _combined(lambda value: np.broadcast_to(np.asarray(value), (size,)), entry)
    return filled


def _combined(function: Callable[..., Any], *parts: Any) -> Any:
    first = parts[0]
    if isinstance(first, Mapping):
        return {key: _combined(function, *(part[key] for part in parts)) for key in first}
    if isinstance(first, tuple):
        return tuple(_combined(function, *each) for each in zip(*parts, strict=True))
    if is_dataclass(first) and not isinstance(first, type):
        values = ([getattr(part, field.name) for part in parts] for field in fields(first))
        return type(first)(*(_combined(function, *each) for each in values))
    return function(*parts)


def distinct(columns: Sequence[IntArray]) -> tuple[IntArray, IntArray]:
    """Return the entries that differ in one of the columns, and which of them each entry is."""
    code = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        values, inverse = np.unique(column, return_inverse=True)
        _, code = np.unique(code * len(values) + inverse, return_inverse=True)
    _, first, which = np.unique(code, return_index=True, return_inverse=True)
    return first, which


def repeated(counts: IntArray) -> tuple[IntArray, IntArray]:
    """Return the index of each count as often as it says, and 0, 1, ... within each."""
    index = np.repeat(np.arange(len(counts)), counts)
    return index, np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)


def on_paths(
    ends: Sequence[tuple[IntArray, IntArray]], nodes: Sequence[int], kept: Sequence[BoolArray]
) -> tuple[list[BoolArray], list[BoolArray]]:
    """Return which arcs and which nodes of a layered graph lie on a path of kept arcs.

    `ends` are the source and target of each arc, layer by layer; `nodes` counts the nodes before
    each layer and after the last.
    """
    reached = [np.ones(nodes[0], dtype=bool)]
    for (source, target), keep, size in zip(ends, kept, nodes[1:], strict=True):
        reached.append(np.bincount(target[keep & reached[-1][source]], minlength=size) > 0)
    arcs, alive = [], [reached.pop()]
    for (source, target), keep, before in zip(ends[::-1], kept[::-1], reached[::-1], strict=True):
        arcs.append(keep & before[source] & alive[-1][target])
        alive.append(np.bincount(source[arcs[-1]], minlength=len(before)) > 0)
    return arcs[::-1], alive[::-1]


def renumbered(alive: BoolArray, nodes: IntArray) -> IntArray:
    """Return the numbers of nodes among those that are alive."""
    return (np.cumsum(alive) - 1)[nodes]
