"""The readings of a spec: what follows where its source leaves something open."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from antcost.errors import Problem, SpecError
from antcost.spec.document import Key
from antcost.spec.load import changed
from antcost.spec.model import Ambiguity, NetSpec, StageModels
from antcost.spec.overrides import PathError, targets


def readings(spec: NetSpec, blocks: StageModels) -> Iterator[tuple[tuple[Ambiguity, ...], NetSpec]]:
    """Every reading: which ambiguities are decided the other way, fewest first, and the network.

    Two that set the same field exclude each other.
    Raises SpecError for a path or value of `set` that does not fit the network.
    """
    selected = [_selected(spec, blocks, index) for index in range(len(spec.ambiguous))]
    for size in range(len(selected) + 1):
        for chosen in combinations(range(len(selected)), size):
            if all(selected[a].isdisjoint(selected[b]) for a, b in combinations(chosen, 2)):
                yield tuple(spec.ambiguous[i] for i in chosen), _read(spec, blocks, chosen)


def _selected(spec: NetSpec, blocks: StageModels, index: int) -> set[Key]:
    """Keys of all fields that an ambiguity sets."""
    keys: set[Key] = set()
    problems = []
    for path in spec.ambiguous[index].set:
        try:
            keys.update(targets(spec.document, blocks, path))
        except PathError as error:
            name = f"ambiguous[{index}].set: {path}"
            problems.append(Problem(_mark(spec, index, path), name, str(error)))
    if problems:
        raise SpecError(problems)
    return keys


def _read(spec: NetSpec, blocks: StageModels, chosen: Sequence[int]) -> NetSpec:
    """The network with the chosen ambiguities decided the other way."""
    return changed(
        spec,
        blocks,
        (
            (path, value, _mark(spec, index, path))
            for index in chosen
            for path, value in spec.ambiguous[index].set.items()
        ),
    )


def _mark(spec: NetSpec, index: int, path: str) -> str:
    return spec.document.where(("ambiguous", index, "set", path))
