"""The networks that ship with the package, and finding a spec by name or by file."""

import fnmatch
from functools import cache
from pathlib import Path

from antcost.errors import Problem, SpecError, nearest

SUFFIXES = (".yaml", ".yml")
SEARCH = "search"
"""Folders of this name hold search files, which are no specs."""


@cache
def shipped_folder() -> Path:
    """Return the folder of the shipped specs: in an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parents[2]
    inside = package / "specs"
    return inside if inside.is_dir() else package.parent / "specs"


@cache
def shipped_names() -> list[str]:
    """Return names of the shipped networks: "antnet_g2", "cifar100/antnet_g2"."""
    folder = shipped_folder()
    return [path.relative_to(folder).as_posix().removesuffix(".yaml") for path in _specs_in(folder)]


def _specs_in(folder: Path) -> list[Path]:
    """Return spec files of a folder, then of its subfolders; no hidden ones, no searches."""
    found = (
        path
        for path in folder.rglob("*")
        if path.suffix in SUFFIXES
        and not any(part.startswith(".") or part == SEARCH for part in _below(folder, path))
    )
    return sorted(found, key=lambda path: (len(path.parts), path))


def _below(folder: Path, path: Path) -> tuple[str, ...]:
    return path.relative_to(folder).parts


def shipped_spaces() -> dict[str, Path]:
    """Return the shipped search files by name: "antnet_300m"."""
    return {path.stem: path for path in sorted((shipped_folder() / SEARCH).glob("*.yaml"))}


def is_file(path: Path) -> bool:
    """Return whether there is such a file; no for a name that no file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def find(reference: str, folder: Path = Path()) -> Path:
    """Return the file of a spec: the name of a shipped one, or a path, relative to `folder`.

    A shipped name is never a file; ./NAME is. Raises SpecError if there is neither.
    """
    path = folder / reference
    if path.suffix in SUFFIXES:
        return path
    shipped = shipped_folder() / f"{reference}.yaml"
    if reference in shipped_names():
        return shipped
    if reference and is_file(path):
        return path
    near = nearest(reference, shipped_names())
    hint = f"did you mean {near!r}?" if near else "antcost specs lists the networks that ship"
    raise SpecError([Problem(reference, "", f"no such file and no such network; {hint}")])


def expand(reference: str) -> list[str]:
    """Return the specs that a name, file, folder or glob stands for.

    Raises SpecError if a folder or glob has none.
    """
    path = Path(reference)
    if not reference or reference in shipped_names() or is_file(path):
        return [reference]
    try:
        if path.is_dir():
            found = _specs_in(path)
        elif any(wildcard in reference for wildcard in "*?["):
            anchor = Path(path.anchor)
            matches = sorted(anchor.glob(str(path.relative_to(anchor))))
            found = [match for match in matches if match.suffix in SUFFIXES and match.is_file()]
        else:
            return [reference]
    except (OSError, ValueError) as error:
        raise SpecError([Problem(reference, "", f"cannot be read: {error}")]) from None
    names = [] if found else fnmatch.filter(shipped_names(), reference)
    if not found and not names:
        raise SpecError([Problem(reference, "", "has no spec files (*.yaml)")])
    return names or list(map(str, found))
