"""The interpretations of a spec: what follows where its source leaves something open."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from antcost.errors import Problem, SpecError
from antcost.sources.specs.load import changed
from antcost.sources.specs.model import Ambiguity, NetSpec
from antcost.sources.specs.overrides import PathError, targets
from antcost.yamlfile.document import Key


def interpretations(spec: NetSpec) -> Iterator[tuple[tuple[Ambiguity, ...], NetSpec]]:
    """Yield every reading: which ambiguities are decided the other way, fewest first, and the
    network.

    Two that set the same field exclude each other.
    Raises SpecError for a path or value of `set` that does not fit the network.
    """
    selected = [_selected(spec, index) for index in range(len(spec.ambiguous))]
    for size in range(len(selected) + 1):
        for chosen in combinations(range(len(selected)), size):
            if all(selected[a].isdisjoint(selected[b]) for a, b in combinations(chosen, 2)):
                yield tuple(spec.ambiguous[i] for i in chosen), _read(spec, chosen)


def _selected(spec: NetSpec, index: int) -> set[Key]:
    """Return the keys of all fields that an ambiguity sets."""
    keys: set[Key] = set()
    problems = []
    for path in spec.ambiguous[index].set:
        try:
            keys.update(targets(spec.document, path))
        except PathError as error:
            name = f"ambiguous[{index}].set: {path}"
            problems.append(Problem(_mark(spec, index, path), name, str(error)))
    if problems:
        raise SpecError(problems)
    return keys


def _read(spec: NetSpec, chosen: Sequence[int]) -> NetSpec:
    """Return the network with the chosen ambiguities decided the other way."""
    return changed(
        spec,
        (
            (path, value, _mark(spec, index, path))
            for index in chosen
            for path, value in spec.ambiguous[index].set.items()
        ),
    )


def _mark(spec: NetSpec, index: int, path: str) -> str:
    return spec.document.where(("ambiguous", index, "set", path))
