"""Writing a file whole or not at all."""

import os
import shutil
from pathlib import Path

from antcost.errors import AntcostError


def write_whole(path: Path, text: str) -> None:
    """Write `text` to a temporary file beside `path`, then rename it.

    A link keeps pointing where it did, a file keeps its mode, and what is no file (a pipe, a
    device) is written to as it is. Raises AntcostError if the text cannot be written; a file is
    then as it was.
    """
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8")
        else:
            _replace(target, text)
    except OSError as error:
        raise AntcostError(f"{path}: cannot be written: {error.strerror}") from None


def _replace(target: Path, text: str) -> None:
    temporary = target.with_name(f".antcost.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
