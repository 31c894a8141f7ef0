"""Writing a file, or a folder that is one, whole or not at all."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from antcost.errors import AntcostError


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
    """A new folder to write files to, which are moved into `folder` once all are written.

    Files of the same name are replaced, others stay. Raises AntcostError if one cannot be written.
    """
    stage = folder.with_name(f".antcost.{os.getpid()}.stage")
    try:
        stage.mkdir()
        yield stage
        for file in sorted(path for path in stage.rglob("*") if path.is_file()):
            target = folder / file.relative_to(stage)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)
    except OSError as error:
        raise AntcostError(f"{folder}: cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(stage, ignore_errors=True)
