"""Writing a file, or a folder that is one, whole or not at all."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from antcost.errors import AntcostError


def require_writable(path: Path) -> None:
    """Raise AntcostError, before any work, if a file could not be written."""
    problem = (
        "is a folder" if path.is_dir()
        else "no such folder" if not path.parent.is_dir()
        else "no permission" if not os.access(path.parent, os.W_OK)
        else None
    )  # fmt: skip
    if problem:
        raise AntcostError(f"{path}: cannot be written: {problem}")


def write_whole(path: Path, content: str | bytes) -> None:
    """Write `content` to a temporary file beside `path`, then rename it.

    A link keeps pointing where it did, a file keeps its mode, and what is no file (a pipe, a
    device, /dev/stdout) gets the content appended. Raises AntcostError if it cannot be written; a
    file is then as it was.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        if path.is_relative_to("/dev") or (path.exists() and not path.is_file()):
            with path.open("ab") as stream:
                stream.write(data)
        else:
            _replace(path.resolve(), data)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "its links lead in a circle"
        raise AntcostError(f"{path}: cannot be written: {reason}") from None


def _replace(target: Path, data: bytes) -> None:
    temporary = target.with_name(f".antcost.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_folder_whole(path: Path, write: Callable[[Path], None]) -> int:
    """Let `write` make a folder beside `path` and rename it, in place of what is there.

    Returns the bytes of its files. Raises AntcostError if it cannot be written.
    """
    temporary, replaced = (
        path.with_name(f".antcost.{os.getpid()}.{kind}{path.suffix}") for kind in ("new", "old")
    )
    try:
        write(temporary)
        size = sum(file.stat().st_size for file in temporary.rglob("*") if file.is_file())
        if path.is_dir():
            path.rename(replaced)
        temporary.rename(path)
    except OSError as error:
        raise AntcostError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        for folder in (temporary, replaced):
            shutil.rmtree(folder, ignore_errors=True)
    return size


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Yield a new folder to write files to, which are moved into `folder` once all are written.

    Files of the same name are replaced, others stay. Raises AntcostError if one cannot be written.
    """
    try:
        beside = folder if folder.is_dir() else folder.parent
        with TemporaryDirectory(
            prefix=".antcost.", dir=beside, ignore_cleanup_errors=True
        ) as stage:
            yield Path(stage)
            _move(Path(stage), folder)
    except OSError as error:
        raise AntcostError(f"{folder}: cannot be written: {error.strerror or error}") from None


def _move(stage: Path, folder: Path) -> None:
    """Move the files, once it is known that each has a place."""
    files = sorted(path for path in stage.rglob("*") if path.is_file())
    targets = [folder / file.relative_to(stage) for file in files]
    for target in targets:
        if target.is_dir():
            raise AntcostError(f"{target}: cannot be written: is a folder")
        target.parent.mkdir(parents=True, exist_ok=True)
    for file, target in zip(files, targets, strict=True):
        file.replace(target)
