"""A made-up layer, and the places that the type checker then lists: all that look at layers."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PLACES = {
    "backends/onnx_model.py", "backends/sizes.py", "backends/torch_module.py", "cost/formulas.py",
    "cost/kernels.py",
    "cost/memory.py", "explain/symbolic.py", "graph/shapes.py", "views/difference.py",
    "views/network.py",
}  # fmt: skip
MADE_UP = '''@dataclass(frozen=True, slots=True)
class MadeUp:
    """A layer that no other file knows."""

    kind: ClassVar[str] = "made up"


Layer = (
    MadeUp
    | Conv2d
'''


def test_the_type_checker_lists_every_place_that_misses_a_layer(tmp_path: Path) -> None:
    package = tmp_path / "antcost"
    shutil.copytree(ROOT / "antcost", package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", tmp_path / ".mypy_cache")
    layers = package / "graph" / "layers.py"
    layers.write_text(layers.read_text().replace("Layer = (\n    Conv2d\n", MADE_UP))
    run = subprocess.run(
        [sys.executable, "-m", "mypy"], cwd=tmp_path, capture_output=True, text=True,
        env=os.environ | {"MYPY_FORCE_COLOR": "0"},
    )  # fmt: skip
    missed = re.findall(r'^antcost/(\S+?):\d+: error: .*"MadeUp".*assert_never', run.stdout, re.M)
    missed += re.findall(r'^antcost/(\S+?):\d+: error: .*assert_never.*"MadeUp"', run.stdout, re.M)
    assert set(missed) == PLACES, run.stdout
