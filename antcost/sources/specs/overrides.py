"""Override paths, the one language of `set:` in a file, `--set` and the choices of a search.

`width` is a field of the network, `resolution` the height and width of its input; `ant4.channels`
is a field of one stage; `ant[2-7].groups`, `ant[2,4].groups`, `ant*.reduction` and
`ant2,conv8.channels` are fields of several stages. `*` passes over stages whose block has no such
field.
"""

import re
from fnmatch import fnmatchcase
from itertools import product
from math import prod
from typing import Any

from antcost.errors import suggest
from antcost.sources.specs.model import NetworkFields, Stage
from antcost.sources.specs.stages import STAGE_MODELS
from antcost.yamlfile.document import Document, Key

MAX_NAMES = 1_000
_PIECE = re.compile(r"\[(?P<numbers>[\d,\- ]+)\]|(?P<text>[\w*-]+)")
_RANGE = re.compile(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?")
_LISTS = {"stages", "auxiliary", "published", "ambiguous"}
RESOLUTION = "resolution"
_SETTABLE = sorted({RESOLUTION, *NetworkFields.model_fields} - _LISTS)


class PathError(Exception):
    """An override path that selects nothing."""


def override(document: Document, path: str, value: Any, mark: str) -> None:
    """Set `value` at everything that `path` selects. Raises PathError if that is nothing."""
    for key in targets(document, path):
        document.put(key, value, mark)


def targets(document: Document, path: str) -> list[Key]:
    """Return the keys that a path selects. Raises PathError if a part of it selects nothing."""
    target, _, field = path.rpartition(".")
    if target:
        return [("stages", index, field) for index in _stages(document, target, field)]
    if field not in _SETTABLE:
        raise PathError(
            f"no such field; {suggest(field, _SETTABLE)}, or STAGE.FIELD such as ant4.channels"
        )
    if field == RESOLUTION:
        shape = document.tree.get("input")
        if not isinstance(shape, list) or len(shape) != 3:
            raise PathError("needs an input of [channels, height, width]")
        return [("input", 1), ("input", 2)]
    return [(field,)]


def _stages(document: Document, target: str, field: str) -> list[int]:
    """Return the indices of the stages that `target` names."""
    stages = document.tree.get("stages")
    stages = stages if isinstance(stages, list) else []
    rows: list[dict[str, Any]] = [row if isinstance(row, dict) else {} for row in stages]
    names = [str(row.get("name")) for row in rows]
    blocks = [str(row.get("block")) for row in rows]
    takers = {block for block in set(blocks) if _takes(block, field)}
    selected: set[int] = set()
    for pattern in _patterns(target):
        matching = [i for i, name in enumerate(names) if fnmatchcase(name, pattern)]
        if not matching:
            raise PathError(f"no stage is called {pattern!r}; {suggest(pattern, names)}")
        if "*" in pattern:
            matching = [i for i in matching if blocks[i] in takers]
            if not matching:
                raise PathError(f"no stage that {pattern!r} matches has a field {field!r}")
        selected.update(matching)
    return sorted(selected)


def _takes(block: str, field: str) -> bool:
    model = STAGE_MODELS.get(block, Stage)
    return field in model.model_fields


def _patterns(target: str) -> list[str]:
    """Expand "ant[2-3]*,conv8" to the names "ant2*", "ant3*" and "conv8"."""
    patterns: list[str] = []
    for part in re.split(r",(?![^\[]*\])", target):
        pieces = list(_PIECE.finditer(part.strip()))
        if not pieces or "".join(piece[0] for piece in pieces) != part.strip():
            raise PathError(
                "expected STAGE.FIELD such as ant4.channels, ant[2-7].groups or *.kernel"
            )
        choices = [[piece["text"]] if piece["text"] else _numbers(piece[0]) for piece in pieces]
        if len(patterns) + prod(map(len, choices)) > MAX_NAMES:
            raise PathError(f"names more than {MAX_NAMES} stages")
        patterns.extend(map("".join, product(*choices)))
    return patterns


def _numbers(brackets: str) -> list[str]:
    """Read "[2-4,7]" as 2, 3, 4, 7."""
    numbers: list[str] = []
    for item in brackets.strip("[]").split(","):
        match = _RANGE.fullmatch(item)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < first + MAX_NAMES:
            raise PathError(f"{brackets} is no list of numbers; expected such as [2-4,7]")
        numbers.extend(map(str, range(first, last + 1)))
        if len(numbers) > MAX_NAMES:
            raise PathError(f"names more than {MAX_NAMES} stages")
    return numbers
