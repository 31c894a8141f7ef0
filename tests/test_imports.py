"""`antcost table` never loads a slow package; and the watch over that can fail."""

import subprocess
import sys

import pytest

SLOW = {
    "torch", "torchvision", "fvcore", "thop", "ptflops", "torchinfo", "numpy", "pandas", "scipy",
    "sympy", "matplotlib", "altair", "jinja2", "onnx", "onnxruntime", "coremltools", "rich",
}  # fmt: skip

RUN = """
import sys
from antcost.cli.app import app
try:
    app({args!r})
except SystemExit as end:
    assert end.code == 0, end.code
{extra}
print(" ".join(sorted({{name.partition(".")[0] for name in sys.modules}})), file=sys.stderr)
"""


def loaded(*args: str, extra: str = "") -> set[str]:
    """Top-level packages that a command has loaded when it ends, among the slow ones."""
    code = RUN.format(args=list(args), extra=extra)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return SLOW & set(result.stderr.split())


@pytest.mark.parametrize("output_format", ["text", "markdown", "latex", "csv", "json", "html"])
def test_table_loads_no_slow_package(output_format: str) -> None:
    assert loaded("table", "antnet_g2", "--format", output_format) == set()


def test_the_other_commands_load_none_either() -> None:
    assert loaded("compare", "antnet_g2", "mobilenet_v2", "--baseline", "mobilenet_v2") == set()
    assert loaded("diff", "antnet_g1", "antnet_g2") == set()
    assert loaded("size", "antnet_g2") == set()
    assert loaded("reconcile", "antnet_g1", "mobilenet_v2") == set()


def test_the_watch_sees_a_slow_package() -> None:
    assert "pandas" in loaded("table", "antnet_g2", extra="import pandas")


def test_the_collector_runs_again_once_a_command_is_loaded() -> None:
    code = (
        "import gc, sys\n"
        "from antcost.__main__ import main\n"
        "sys.argv = ['antcost', 'specs', '-o', '/dev/null']\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "assert gc.isenabled() and gc.get_freeze_count()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_package_itself_loads_nothing_before_it_is_used() -> None:
    code = "import antcost, sys; assert not {'pydantic', 'yaml'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
