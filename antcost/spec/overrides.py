"""Override paths, the one language of `set:` in a file, `--set` and the choices of a search.

`width` is a field of the network; `ant4.channels` of one stage; `ant[2-7].groups`,
`ant[2,4].groups`, `ant*.reduction` and `ant2,conv8.channels` are fields of several stages.
`*` passes over stages whose block has no such field.
"""

import re
from typing import Any

from antcost.errors import suggest
from antcost.spec.document import Document
from antcost.spec.model import NetworkFields, Stage, StageModels

MAX_RANGE = 1_000
_PIECE = re.compile(r"\*|\[(?P<numbers>[\d,\- ]+)\]|[\w-]+")
_RANGE = re.compile(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?")
_SETTABLE = sorted(NetworkFields.model_fields.keys() - {"stages", "published"})


class PathError(Exception):
    """An override path that selects nothing."""


def override(document: Document, blocks: StageModels, path: str, value: Any, mark: str) -> None:
    """Set `value` at everything that `path` selects. Raises PathError if that is nothing."""
    pattern, _, field = path.rpartition(".")
    if not pattern:
        if field not in _SETTABLE:
            raise PathError(
                f"no such field; {suggest(field, _SETTABLE)}, or STAGE.FIELD such as ant4.channels"
            )
        document.put((field,), value, mark)
        return
    for index in _select(document, blocks, pattern, field):
        document.put(("stages", index, field), value, mark)


def _select(document: Document, blocks: StageModels, pattern: str, field: str) -> list[int]:
    """Indices of the stages that `pattern` names."""
    stages = document.tree.get("stages")
    stages = stages if isinstance(stages, list) else []
    rows: list[dict[str, Any]] = [row if isinstance(row, dict) else {} for row in stages]
    selected: set[int] = set()
    for part in re.split(r",(?![^\[]*\])", pattern):
        regex = _regex(part.strip())
        matching = [i for i, row in enumerate(rows) if regex.fullmatch(str(row.get("name", "")))]
        if not matching:
            names = [str(row.get("name")) for row in rows]
            raise PathError(f"no stage is called {part!r}; {suggest(part, names)}")
        if "*" in part:
            matching = [i for i in matching if _takes(blocks, rows[i], field)]
            if not matching:
                raise PathError(f"no stage that {part!r} matches has a field {field!r}")
        selected.update(matching)
    return sorted(selected)


def _takes(blocks: StageModels, row: dict[str, Any], field: str) -> bool:
    block = row.get("block")
    model = blocks.get(block, Stage) if isinstance(block, str) else Stage
    return field in model.model_fields


def _regex(part: str) -> re.Pattern[str]:
    """Turn "ant[2-4,7]*" into a regular expression."""
    pieces, end = [], 0
    for piece in _PIECE.finditer(part):
        if piece.start() != end:
            break
        end = piece.end()
        numbers = piece["numbers"]
        if numbers:
            pieces.append(f"(?:{'|'.join(map(str, _numbers(numbers)))})")
        else:
            pieces.append(".*" if piece[0] == "*" else re.escape(piece[0]))
    if not part or end != len(part):
        raise PathError("expected STAGE.FIELD such as ant4.channels, ant[2-7].groups or *.kernel")
    return re.compile("".join(pieces))


def _numbers(text: str) -> list[int]:
    """Read "2-4,7" as [2, 3, 4, 7]."""
    numbers: list[int] = []
    for item in text.split(","):
        match = _RANGE.fullmatch(item)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < first + MAX_RANGE:
            raise PathError(f"[{text}] is no list of numbers; expected such as [2-4,7]")
        numbers.extend(range(first, last + 1))
    return numbers
