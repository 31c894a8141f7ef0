"""Writing a file whole or not at all."""

import os
from pathlib import Path

from antcost.errors import AntcostError


def write_whole(path: Path, text: str) -> None:
    """Write `text` to a temporary file beside `path`, then rename it.

    Raises AntcostError if that cannot be done; `path` is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise AntcostError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)
