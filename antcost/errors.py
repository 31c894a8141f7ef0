"""What a user can get wrong, printed by the command line in one line each, with exit code 2."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class AntcostError(Exception):
    """A mistake of the user; its text says what is wrong and what would be right."""


class ShapeError(AntcostError):
    """A layer that cannot stand where it was put; `field` is the spec field to look at."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a spec: where it was written, its path in the spec, and the message."""

    where: str
    path: str
    message: str

    def __str__(self) -> str:
        line = ": ".join(part for part in (self.where, self.path, self.message) if part)
        return "".join(char if char.isprintable() else "?" for char in line)


class SpecError(AntcostError):
    """Everything that is wrong in one spec, a line each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is spelled most like this one, if any is near."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name[:64], sorted(known), n=1)), None)


def suggest(name: str, known: Iterable[str]) -> str:
    """Say which known name was meant, or all there are if none is near."""
    names = sorted(known)
    if not names:
        return "there are none"
    near = nearest(name, names)
    return f"did you mean {near!r}?" if near else f"expected one of {', '.join(names)}"
