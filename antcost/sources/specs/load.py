"""From a file to a NetSpec: `extends`, `set`, overrides, and every error with its line."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os.path import normpath
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from antcost.errors import Problem, SpecError, suggest
from antcost.sources.specs.catalog import find, is_file
from antcost.sources.specs.model import (
    MAX_CHANGES,
    Ambiguity,
    Head,
    HeadFields,
    NetSpec,
    NetworkFields,
    Published,
    Stage,
)
from antcost.sources.specs.overrides import PathError, override
from antcost.sources.specs.stages import STAGE_MODELS
from antcost.yamlfile.document import Document, Key, dotted, read_document, read_value
from antcost.yamlfile.fields import Fields
from antcost.yamlfile.validation import add_errors

MAX_EXTENDS = 16
FILE_ONLY_FIELDS = {"extends": FieldInfo(default=None), "set": FieldInfo(default=None)}
F = TypeVar("F", bound=Fields)


def load(source: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> NetSpec:
    """Read a spec, by the name of a shipped network, from a file, or from a mapping.

    `overrides` are "path=value" texts, applied last. An overridden network is no longer the
    published one, so its published figures are dropped.

    Raises SpecError with everything that is wrong.
    """
    if isinstance(source, Mapping):
        document, path = Document(copy_plain(source), ""), Path()
    else:
        path = find(str(source))
        document = read_document(path)
    document = _inherit(document, path, trail=(_real_path(path),))
    texts = (overrides,) if isinstance(overrides, str) else tuple(overrides)
    for text in texts:
        _override_from_text(document, text)
    if texts:
        document.tree.pop("published", None)
    return validate(document, texts)


def copy_plain(value: Any) -> Any:
    """Return a copy of plain values, with lists for tuples."""
    if isinstance(value, Mapping):
        return {key: copy_plain(item) for key, item in value.items()}
    return [copy_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _inherit(document: Document, path: Path, trail: tuple[Path, ...]) -> Document:
    """Put the spec on top of the one it extends, then apply its `set`."""
    parent_name = document.tree.pop("extends", None)
    changes = _changes(document)
    if parent_name is not None:
        parent, parent_path = _open_parent(document, path, parent_name, trail)
        resolved = _inherit(parent, parent_path, (*trail, _real_path(parent_path)))
        document = _merge(resolved, document)
    for target, value, mark in changes:
        try:
            override(document, target, value, mark)
        except PathError as error:
            document.problems.append(Problem(mark, f"set: {target}", str(error)))
    return document


def _changes(document: Document) -> list[tuple[str, Any, str]]:
    """Return the entries of `set`: path, value, and where each was written."""
    changes = document.tree.pop("set", None)
    if changes is None:
        return []
    if not isinstance(changes, dict) or len(changes) > MAX_CHANGES:
        document.add_error(("set",), f"expected at most {MAX_CHANGES} lines PATH: VALUE")
        return []
    return [
        (str(target), value, document.where(("set", target))) for target, value in changes.items()
    ]


def _open_parent(
    document: Document, path: Path, name: object, trail: tuple[Path, ...]
) -> tuple[Document, Path]:
    """Read the spec that `extends` names, relative to the file it stands in."""

    def refuse(message: str) -> SpecError:
        return SpecError([Problem(document.where(("extends",)), "extends", message)])

    if not isinstance(name, str):
        raise refuse(f"expected the name or file of a spec, got {name!r:.60}")
    try:
        parent = Path(normpath(find(name, path.parent)))
    except SpecError as error:
        raise refuse(str(error)) from None
    if _real_path(parent) in trail:
        names = (p.name for p in (*trail, parent))
        raise refuse(f"expected no cycle, got {' -> '.join(names)}")
    if len(trail) > MAX_EXTENDS:
        raise refuse(f"more than {MAX_EXTENDS} specs extend one another")
    if not is_file(parent):
        raise refuse(f"no such file: {parent}")
    return read_document(parent), parent


def _real_path(path: Path) -> Path:
    """Return the file behind links, or the path itself where they lead in a circle."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path


def _merge(parent: Document, child: Document) -> Document:
    """Return the child's fields replace the parent's. Published figures belong to one network
    only.
    """
    parent.tree.pop("published", None)
    for field, value in child.tree.items():
        parent.put((field,), value, "")
    return Document(
        parent.tree,
        child.origin,
        parent.marks | child.marks,
        parent.problems + child.problems,
    )


def _override_from_text(document: Document, text: str) -> None:
    """Apply one --set PATH=VALUE."""
    path, equals, value_text = text.partition("=")
    mark = f"--set {text}"
    try:
        if not equals or not text.isprintable():
            raise PathError("expected PATH=VALUE such as ant4.channels=72")
        override(document, path.strip(), read_value(value_text), mark)
    except (PathError, ValueError) as error:
        document.problems.append(Problem(mark, "", str(error)))


def changed(spec: NetSpec, changes: Iterable[tuple[str, Any, str]]) -> NetSpec:
    """Return the network with some fields set: path, value, and where each was written.

    Raises SpecError for a value that does not fit, PathError for a path that selects nothing.
    """
    document = spec.document
    document = Document(copy_plain(document.tree), document.origin, dict(document.marks))
    for path, value, mark in changes:
        override(document, path, value, mark)
    return validate(document, spec.overrides)


def validate(document: Document, overrides: tuple[str, ...]) -> NetSpec:
    """Check every field. Raises SpecError with everything that is wrong."""
    known = {**FILE_ONLY_FIELDS, **NetworkFields.model_fields}
    fields = _check(document, (), NetworkFields, document.tree, known)
    stages = _check_stages(document, (), document.tree)
    heads = [
        _check_head(document, ("auxiliary", index), row)
        for index, row in enumerate(_rows(document.tree, "auxiliary"))
    ]
    published = _check_rows(document, "published", Published)
    ambiguous = _check_rows(document, "ambiguous", Ambiguity)
    _add_duplicates(document)
    if document.problems:
        raise SpecError(sorted(document.problems, key=_line_order(document.problems)))
    assert fields is not None
    return NetSpec(
        fields.name,
        fields.input,
        fields.classes,
        fields.width,
        stages,
        published,
        ambiguous,
        overrides,
        tuple(filter(None, heads)),
        document,
    )


def _rows(tree: Any, field: str) -> list[Any]:
    rows = tree.get(field) if isinstance(tree, dict) else None
    return rows if isinstance(rows, list) else []


def _check_rows(document: Document, field: str, model: type[F]) -> tuple[F, ...]:
    """Return the rows of a list that are right, once the errors of the others are noted."""
    rows = (
        _check(document, (field, index), model, row, model.model_fields)
        for index, row in enumerate(_rows(document.tree, field))
    )
    return tuple(filter(None, rows))


def _check(
    document: Document, key: Key, model: type[F], row: Any, known: Mapping[str, FieldInfo]
) -> F | None:
    """Return the part of the document at `key` as its model, or None once its errors are noted."""
    if not isinstance(row, dict):
        document.add_error(key, f"expected fields such as {{name: ...}}, got {row!r:.60}")
        return None
    try:
        return model.model_validate(row)
    except ValidationError as error:
        add_errors(document, key, error, known)
        return None


def _check_head(document: Document, key: Key, row: Any) -> Head | None:
    """Return the auxiliary head, or None once its errors are noted."""
    fields = _check(document, key, HeadFields, row, HeadFields.model_fields)
    stages = _check_stages(document, key, row)
    if fields is None:
        return None
    rows = _rows(document.tree, "stages")
    names = [str(stage.get("name")) for stage in rows if isinstance(stage, dict)]
    if fields.after not in names:
        message = f"no stage is called {fields.after!r}; {suggest(fields.after, names)}"
        document.add_error((*key, "after"), message)
    return Head(fields.after, stages)


def _check_stages(document: Document, key: Key, tree: Any) -> tuple[Stage, ...]:
    """Return the stages of the network or of a head that are right; the errors of others are
    noted.
    """
    stages = (
        _check_stage(document, (*key, "stages", index), row)
        for index, row in enumerate(_rows(tree, "stages"))
    )
    return tuple(filter(None, stages))


def _check_stage(document: Document, key: Key, row: Any) -> Stage | None:
    """Return the stage as its block's model, or None once its errors are noted."""
    if not isinstance(row, dict):
        return _check(document, key, Stage, row, Stage.model_fields)
    block = row.get("block")
    if isinstance(block, str) and block in STAGE_MODELS:
        return _check(document, key, STAGE_MODELS[block], row, STAGE_MODELS[block].model_fields)
    document.add_error(
        (*key, "block"),
        f"unknown block {block!r:.60}; {suggest(str(block), STAGE_MODELS)}"
        if "block" in row
        else f"missing; expected one of {', '.join(sorted(STAGE_MODELS))}",
    )
    return None


def _add_duplicates(document: Document) -> None:
    first: dict[str, Key] = {}
    for key, row in _stage_rows(document):
        name = row.get("name") if isinstance(row, dict) else None
        if isinstance(name, str) and first.setdefault(name, key) != key:
            document.add_error(
                (*key, "name"),
                f"{name!r} is also the name of {dotted(first[name])}; names must differ",
            )


def _stage_rows(document: Document) -> Iterator[tuple[Key, Any]]:
    """Yield every stage with its key: those of the network, then those of its auxiliary heads."""
    for index, row in enumerate(_rows(document.tree, "stages")):
        yield ("stages", index), row
    for head, fields in enumerate(_rows(document.tree, "auxiliary")):
        for index, row in enumerate(_rows(fields, "stages")):
            yield ("auxiliary", head, "stages", index), row


def _line_order(problems: Sequence[Problem]) -> Callable[[Problem], tuple[int, int]]:
    """Sort problems by file, in the order the files first occur, and by line."""
    files = list(dict.fromkeys(problem.where.rpartition(":")[0] for problem in problems))

    def order(problem: Problem) -> tuple[int, int]:
        file, _, line = problem.where.rpartition(":")
        return files.index(file), int(line) if line.isdecimal() else 0

    return order
