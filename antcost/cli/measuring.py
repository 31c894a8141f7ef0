"""What commands that measure ask for before any work."""

from importlib.util import find_spec
from pathlib import Path

from antcost.errors import AntcostError


def require_packages() -> None:
    """Raise AntcostError where what every measuring needs is not installed."""
    if find_spec("numpy") is None or find_spec("scipy") is None:
        raise AntcostError("latency needs NumPy and SciPy: pip install 'antcost[latency]'")


def require_writable(output: Path) -> None:
    """Raise AntcostError if there is no place for the output."""
    if output.is_dir() or not output.parent.is_dir():
        problem = "is a folder" if output.is_dir() else "no such folder"
        raise AntcostError(f"{output}: cannot be written: {problem}")
