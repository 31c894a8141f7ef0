import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from antcost.cli.app import app

ROOT = Path(__file__).parent.parent


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run the command line: run("table", "antnet_g2")."""

    def invoke(*args: str, exit_code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(args))
        assert result.exit_code == exit_code, result.output
        return result

    return invoke


@pytest.fixture
def write_spec(tmp_path: Path) -> Callable[..., Path]:
    """Write a spec file: write_spec("stages: ...", name="a.yaml")."""

    def write(text: str, name: str = "net.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def require_program(name: str) -> str:
    """Where a program is; skips the test that needs one that is missing.

    Fails it where all are meant to be there, as in CI: ANTCOST_REQUIRE_PROGRAMS says so.
    """
    path = shutil.which(name)
    if path:
        return path
    if os.environ.get("ANTCOST_REQUIRE_PROGRAMS"):
        pytest.fail(f"{name} is not installed, and ANTCOST_REQUIRE_PROGRAMS is set")
    pytest.skip(f"needs the program {name}")


def network(*stages: dict[str, Any], input_shape: Sequence[int] = (3, 32, 32)) -> dict[str, Any]:
    """A spec as a mapping; stages get names if they have none."""
    rows = [{"name": f"s{i}", **stage} for i, stage in enumerate(stages)]
    return {"name": "net", "input": tuple(input_shape), "classes": 10, "stages": rows}
