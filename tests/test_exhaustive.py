"""A made-up layer, and the places that the type checker then lists: all that look at layers."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
MATCHES = {
    "backends/onnx_model.py": 3,
    "backends/torch_module.py": 2,
    "cost/formulas.py": 1,
    "cost/kernels.py": 2,
    "cost/memory.py": 1,
    "explain/conditions.py": 1,
    "graph/shapes.py": 1,
    "search/measures.py": 1,
    "views/difference.py": 1,
    "views/network.py": 1,
}
"""How many matches on layers each file has."""

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
    missed = re.findall(r'^antcost/(\S+?):\d+: error: .*assert_never.*"MadeUp"', run.stdout, re.M)
    assert Counter(missed) == MATCHES, run.stdout


def test_no_match_on_layers_has_a_default_that_hides_one() -> None:
    """Where `case _` follows cases of layers alone, it is assert_never."""
    for path in sorted((ROOT / "antcost").rglob("*.py")):
        for match in ast.walk(ast.parse(path.read_text())):
            if isinstance(match, ast.Match) and ast.unparse(match.subject).endswith("layer"):
                last = match.cases[-1]
                if isinstance(last.pattern, ast.MatchAs) and last.pattern.name is None:
                    assert "assert_never" in ast.unparse(last.body[0]), f"{path}:{match.lineno}"
