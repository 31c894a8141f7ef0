"""The networks that ship with the package, and finding a spec by name or by file."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from antcost.errors import Problem, SpecError, nearest

SUFFIXES = (".yaml", ".yml")


@cache
def shipped_folder() -> Path:
    """Folder of the shipped specs: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "specs"
    return inside if inside.is_dir() else package.parent / "specs"


def shipped_names() -> list[str]:
    """Names of the shipped networks: "antnet_g2", "cifar100/antnet_g2"."""
    folder = shipped_folder()
    return [path.relative_to(folder).as_posix().removesuffix(".yaml") for path in _specs_in(folder)]


def _specs_in(folder: Path) -> list[Path]:
    """Spec files of a folder, then those of its subfolders."""
    found = (path for path in folder.rglob("*") if path.suffix in SUFFIXES)
    return sorted(found, key=lambda path: (len(path.parts), path))


def find(reference: str, folder: Path = Path()) -> Path:
    """File of a spec: the name of a shipped one, or a path, relative to `folder`.

    Raises SpecError if there is neither, with the nearest name.
    """
    path = folder / reference
    if path.suffix in SUFFIXES or path.is_file():
        return path
    shipped = shipped_folder() / f"{reference}.yaml"
    if shipped.is_file():
        return shipped
    what = "is a directory" if path.is_dir() else "no such file and no such network"
    near = nearest(reference, shipped_names())
    hint = f"did you mean {near!r}?" if near else "antcost specs lists the networks that ship"
    raise SpecError([Problem(reference, "", f"{what}; {hint}")])


def expand(references: list[str]) -> Iterator[str]:
    """Replace folders and globs among `references` by the spec files in them."""
    for reference in references:
        path = Path(reference)
        if path.is_dir():
            found = _specs_in(path)
        elif any(wildcard in reference for wildcard in "*?["):
            anchor = Path(path.anchor)
            found = sorted(anchor.glob(str(path.relative_to(anchor))))
        else:
            yield reference
            continue
        if not found:
            raise SpecError([Problem(reference, "", "has no spec files (*.yaml)")])
        yield from map(str, found)
