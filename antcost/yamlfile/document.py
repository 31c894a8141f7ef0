"""Reading untrusted YAML into plain values that remember where they were written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from antcost.errors import Problem, SpecError

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_VALUES = 20_000
MAX_DIGITS = 60

Key = tuple[str | int, ...]
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN_TAGS = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}
_NUMBER_TAGS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
_MERGE_TAG = "tag:yaml.org,2002:merge"


@dataclass(slots=True)
class Document:
    """A tree of plain values, and for each key where it was written: "a.yaml:3", "--set x=1"."""

    tree: dict[str, Any]
    origin: str
    marks: dict[Key, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def where(self, key: Key) -> str:
        """Return where a value was written, or the nearest one around it."""
        prefixes = (key[:length] for length in range(len(key), -1, -1))
        return next((self.marks[p] for p in prefixes if p in self.marks), self.origin)

    def put(self, key: Key, value: Any, mark: str) -> None:
        """Set one value, and forget where the parts of the old one were written."""
        parent: Any = self.tree
        for step in key[:-1]:
            parent = parent[step]
        if isinstance(parent, dict) and isinstance(parent.get(key[-1]), dict | list):
            self.marks = {k: m for k, m in self.marks.items() if k[: len(key)] != key}
        parent[key[-1]] = value
        self.marks[key] = mark

    def add_error(self, key: Key, message: str) -> None:
        self.problems.append(Problem(self.where(key), dotted(key), message))


def dotted(key: Key) -> str:
    """Write ("stages", 2, "stride") as "stages[2].stride"."""
    return "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in key).removeprefix(".")


def read_document(path: Path) -> Document:
    """Read one YAML file. Raises SpecError if it is not a small, plain YAML mapping."""
    text = _read_text(path)
    document = Document({}, str(path))
    try:
        node = _compose(text, str(path))
        if node is None:
            message = "is empty; expected a spec with name, input, classes and stages"
            raise _RefusedError(message, f"{path}:1")
        document.tree = _plain(node, document.marks, lambda n: f"{path}:{_line(n)}")
    except _RefusedError as refusal:
        raise SpecError([Problem(refusal.where or str(path), "", refusal.message)]) from None
    if not isinstance(document.tree, dict):
        raise SpecError([Problem(f"{path}:1", "", "expected a spec with name, input, ... fields")])
    return document


def read_value(text: str) -> Any:
    """Read the value of an override, such as "24", "null" or "[1, 2]". Raises ValueError."""
    try:
        node = _compose(text, "")
        if node is None:
            raise ValueError("expected a value, such as 24, null or [1, 2]")
        return _plain(node, {}, lambda _: "")
    except _RefusedError as refusal:
        raise ValueError(refusal.message) from None


class _RefusedError(Exception):
    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.message, self.where = message, where


def _read_text(path: Path) -> str:
    problem = None
    try:
        if path.is_dir():
            problem = "is a directory; expected a YAML file"
        elif path.exists() and not path.is_file():
            problem = "is not a regular file; expected a YAML file"
        elif path.stat().st_size > MAX_BYTES:
            problem = f"is larger than {MAX_BYTES // 1024} KiB, which no spec needs"
        else:
            return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"is not UTF-8 text (byte {error.start}); save it as UTF-8"
    except FileNotFoundError:
        problem = "no such file"
    except (OSError, ValueError) as error:
        problem = f"cannot be read: {getattr(error, 'strerror', None) or error}"
    raise SpecError([Problem(str(path), "", problem)])


def _compose(text: str, file: str) -> yaml.Node | None:
    """Parse to nodes, after the events have shown that the text is small and flat enough.

    The C composer calls itself for each level and would overflow the stack, which no Python error
    reports.
    """

    def refuse(message: str, line: int) -> _RefusedError:
        return _RefusedError(message, f"{file}:{line}" if file else "")

    try:
        depth = 0
        for count, event in enumerate(yaml.parse(text, Loader=_LOADER)):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH or count > MAX_VALUES:
                too = "deeply nested" if depth > MAX_DEPTH else "large"
                raise refuse(f"is too {too} to be a spec", _line(event))
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or error
        raise refuse(f"is not valid YAML: {reason}", mark.line + 1 if mark else 1) from None
    except ValueError as error:
        raise refuse(f"is not valid YAML: {error}", 1) from None
    return node


def _line(marked: yaml.Node | yaml.Event) -> int:
    return marked.start_mark.line + 1 if marked.start_mark else 1


def _plain(root: yaml.Node, marks: dict[Key, str], where: Callable[[yaml.Node], str]) -> Any:
    """Turn nodes into plain values and note where each was written.

    Aliases are expanded, so the values are counted again here.
    """
    scalars = yaml.constructor.SafeConstructor()
    left = iter(range(MAX_VALUES))

    def refuse(node: yaml.Node, message: str) -> _RefusedError:
        return _RefusedError(message, where(node))

    def plain(node: yaml.Node, key: Key) -> Any:
        if next(left, None) is None or len(key) > MAX_DEPTH:
            raise refuse(node, "grows too large when its aliases are expanded")
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN_TAGS:
            raise refuse(node, f"has the tag {node.tag}; expected plain values")
        marks[key] = where(node)
        if isinstance(node, yaml.MappingNode):
            return dict(items(node, key))
        if isinstance(node, yaml.SequenceNode):
            return [plain(child, (*key, index)) for index, child in enumerate(node.value)]
        return scalar(node)

    def items(node: yaml.MappingNode, key: Key) -> Iterator[tuple[str, Any]]:
        seen = set()
        for name_node, value_node in node.value:
            if name_node.tag == _MERGE_TAG:
                raise refuse(name_node, "merge keys (<<) are not read; use extends or set")
            name = scalar(name_node) if isinstance(name_node, yaml.ScalarNode) else None
            if not isinstance(name, str):
                raise refuse(name_node, "has a key that is not text; expected a name")
            if name in seen:
                raise refuse(name_node, f"has the key {name!r} twice; keep one")
            seen.add(name)
            value = plain(value_node, (*key, name))
            marks[(*key, name)] = where(name_node)
            yield name, value

    def scalar(node: yaml.Node) -> Any:
        if node.tag in _NUMBER_TAGS and len(node.value) > MAX_DIGITS:
            raise refuse(node, f"{node.value!r:.60} is too large a number")
        try:
            value = scalars.construct_object(node)
        except (yaml.YAMLError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise refuse(node, f"{node.value!r:.60} cannot be read: {_reason(error)}") from None
        except AttributeError:
            raise refuse(node, f"{node.value!r:.60} cannot be read") from None
        if type(value) is int and not _is_decimal(node.value, value):
            raise refuse(node, f"{node.value} is {value} in YAML 1.1; write {value}")
        return value

    return plain(root, ())


def _reason(error: Exception) -> str:
    return str(getattr(error, "problem", None) or error)


def _is_decimal(text: str, value: int) -> bool:
    """Return whether the text is the number as people write it: not 010 for 8, nor 1:30 for 90."""
    return text.replace("_", "").removeprefix("+") in (str(value), hex(value))
