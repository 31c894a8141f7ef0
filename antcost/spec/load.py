"""From a file to a NetSpec: `extends`, `set`, overrides, and every error with its line."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from os.path import normpath
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from antcost.errors import Problem, SpecError, suggest
from antcost.spec.catalog import find
from antcost.spec.complaints import blame_all
from antcost.spec.document import Document, Key, read_document, read_value
from antcost.spec.model import Fields, NetSpec, NetworkFields, Published, Stage, StageModels
from antcost.spec.overrides import PathError, override

MAX_EXTENDS = 16
FILE_ONLY_FIELDS = {"extends": FieldInfo(default=None), "set": FieldInfo(default=None)}
F = TypeVar("F", bound=Fields)


def load_spec(
    source: str | Path | Mapping[str, Any], blocks: StageModels, overrides: Sequence[str] = ()
) -> NetSpec:
    """Read a spec, by the name of a shipped network, from a file, or from a mapping.

    `overrides` are "path=value" texts, applied last. An overridden network is no longer the
    published one, so its published figures are dropped.

    Raises SpecError with everything that is wrong.
    """
    if isinstance(source, Mapping):
        document, path = Document(deepcopy(dict(source)), ""), Path()
    else:
        path = find(str(source))
        document = read_document(path)
    document = _resolve(document, path, blocks, trail=(path.resolve(),))
    for text in overrides:
        _override_from_text(document, blocks, text)
    if overrides:
        document.tree.pop("published", None)
    return _validate(document, blocks, tuple(overrides))


def _resolve(
    document: Document, path: Path, blocks: StageModels, trail: tuple[Path, ...]
) -> Document:
    """Put the spec on top of the one it extends, then apply its `set`."""
    parent_name = document.tree.pop("extends", None)
    changes = document.tree.pop("set", None)
    where_set = document.where(("set",))
    if parent_name is not None:
        parent = _open_parent(document, path, parent_name, trail)
        parent_path = Path(parent.origin)
        resolved = _resolve(parent, parent_path, blocks, (*trail, parent_path.resolve()))
        document = _merge(resolved, document)
    if not isinstance(changes, dict | None):
        document.problems.append(Problem(where_set, "set", "expected PATH: VALUE lines"))
        return document
    for target, value in (changes or {}).items():
        mark = document.where(("set", target))
        try:
            override(document, blocks, str(target), deepcopy(value), mark)
        except PathError as error:
            document.problems.append(Problem(mark, f"set: {target}", str(error)))
    return document


def _open_parent(document: Document, path: Path, name: object, trail: tuple[Path, ...]) -> Document:
    """Read the spec that `extends` names, relative to the file it stands in."""

    def refuse(message: str) -> SpecError:
        return SpecError([Problem(document.where(("extends",)), "extends", message)])

    if not isinstance(name, str):
        raise refuse(f"expected the name or file of a spec, got {name!r}")
    try:
        parent = Path(normpath(find(name, path.parent)))
    except SpecError as error:
        raise refuse(str(error)) from None
    if parent.resolve() in trail:
        names = (p.name for p in (*trail, parent))
        raise refuse(f"expected no cycle, got {' -> '.join(names)}")
    if len(trail) > MAX_EXTENDS:
        raise refuse(f"more than {MAX_EXTENDS} specs extend one another")
    if not parent.is_file():
        raise refuse(f"no such file: {parent}")
    return read_document(parent)


def _merge(parent: Document, child: Document) -> Document:
    """The child's fields replace the parent's. Published figures belong to one network only."""
    parent.tree.pop("published", None)
    for field, value in child.tree.items():
        parent.put((field,), value, "")
    return Document(
        parent.tree,
        child.origin,
        parent.marks | child.marks,
        parent.problems + child.problems,
    )


def _override_from_text(document: Document, blocks: StageModels, text: str) -> None:
    """Apply one --set PATH=VALUE."""
    path, equals, value_text = text.partition("=")
    mark = f"--set {text}"
    try:
        if not equals:
            raise PathError("expected PATH=VALUE such as ant4.channels=72")
        override(document, blocks, path.strip(), read_value(value_text), mark)
    except (PathError, ValueError) as error:
        document.problems.append(Problem(mark, "", str(error)))


def _validate(document: Document, blocks: StageModels, overrides: tuple[str, ...]) -> NetSpec:
    """Check every field and collect everything that is wrong."""
    known = {**FILE_ONLY_FIELDS, **NetworkFields.model_fields}
    fields = _check(document, (), NetworkFields, document.tree, known)
    stages = [
        _check_stage(document, blocks, ("stages", index), row)
        for index, row in enumerate(_rows(document, "stages"))
    ]
    published = [
        _check(document, ("published", index), Published, row, Published.model_fields)
        for index, row in enumerate(_rows(document, "published"))
    ]
    _blame_duplicates(document)
    if document.problems:
        raise SpecError(document.problems)
    assert fields is not None
    return NetSpec(
        fields.name,
        fields.input,
        fields.classes,
        fields.width,
        tuple(filter(None, stages)),
        tuple(filter(None, published)),
        overrides,
        document,
    )


def _rows(document: Document, field: str) -> list[Any]:
    rows = document.tree.get(field)
    return rows if isinstance(rows, list) else []


def _check(
    document: Document, key: Key, model: type[F], row: Any, known: Mapping[str, FieldInfo]
) -> F | None:
    """The part of the document at `key` as its model, or None once its errors are noted."""
    if not isinstance(row, dict):
        document.blame(key, f"expected fields such as {{name: ...}}, got {row!r:.60}")
        return None
    try:
        return model.model_validate(row)
    except ValidationError as error:
        blame_all(document, key, error, known)
        return None


def _check_stage(document: Document, blocks: StageModels, key: Key, row: Any) -> Stage | None:
    """The stage as its block's model, or None once its errors are noted."""
    if not isinstance(row, dict):
        return _check(document, key, Stage, row, Stage.model_fields)
    block = row.get("block")
    if isinstance(block, str) and block in blocks:
        return _check(document, key, blocks[block], row, blocks[block].model_fields)
    document.blame(
        (*key, "block"),
        f"unknown block {block!r:.60}; {suggest(str(block), blocks)}"
        if "block" in row
        else f"missing; expected one of {', '.join(sorted(blocks))}",
    )
    return None


def _blame_duplicates(document: Document) -> None:
    first: dict[str, int] = {}
    for index, row in enumerate(_rows(document, "stages")):
        name = row.get("name") if isinstance(row, dict) else None
        if isinstance(name, str) and first.setdefault(name, index) != index:
            document.blame(
                ("stages", index, "name"),
                f"{name!r} is also the name of stages[{first[name]}]; names must differ",
            )
