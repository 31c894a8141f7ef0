"""The README's commands print what it shows, and its files and code work."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
CONSOLES = [text for language, text in BLOCKS if language == "console"]
FILES = {
    match[1]: text
    for language, text in BLOCKS
    if language in ("yaml", "python") and (match := re.match(r"# (\w+\.\w+)\n", text))
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that the README tells to save, and those that it shows."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "reports").symlink_to(ROOT / "reports")
    return tmp_path


def console(block: str) -> Any:
    """The block as a case; what asks other tools needs them."""
    marks = [pytest.mark.torch] if "antcost check" in block.partition("\n")[0] else []
    return pytest.param(block, id=block.partition("\n")[0], marks=marks)


@pytest.mark.parametrize("block", [console(block) for block in CONSOLES])
def test_console_blocks(folder: Path, block: str) -> None:
    command, _, expected = block.partition("\n")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        ["bash", "-c", command.removeprefix("$ ") + " 2>&1"],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert result.stdout == expected


def test_the_benchmark_tables_are_those_of_the_script() -> None:
    (tables,) = (text for language, text in BLOCKS if language == "text" and "process" in text)
    script = (ROOT / "benchmarks" / "counting.py").read_text()
    names = [re.split(r"  +", line)[0] for line in tables.splitlines() if line and line[0] != "-"]
    assert len(names) == 2 + 3 + 3
    assert all(name in script for name in names)


def test_python_block(folder: Path) -> None:
    (code,) = (
        text for language, text in BLOCKS if language == "python" and "import antcost\n" in text
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.startswith("3340328 258089152 516178304\nconv0 3x224x224 32x112x112 928 ")


def test_a_block_of_an_installed_package(folder: Path) -> None:
    """Found through its entry point, with its fields checked like those of built-in blocks."""
    (entry_points,) = (text for language, text in BLOCKS if language == "toml")
    info = folder / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        entry_points.replace('project.entry-points."antcost.blocks"', "antcost.blocks").replace(
            '"', ""
        )
    )
    spec = "name: n\ninput: [8, 4, 4]\nclasses: 2\nstages: [{name: a, block: plain_residual, %s}]\n"
    (folder / "good.yaml").write_text(spec % "channels: 16")
    (folder / "bad.yaml").write_text(spec % "chanels: 16")
    code = (
        "import antcost\n"
        "print(antcost.analyze('good.yaml').madds)\n"
        "try: antcost.analyze('bad.yaml')\n"
        "except antcost.AntcostError as error: print(error)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.splitlines() == [
        str(2 * 9 * 8 * 16 * 4 * 4),
        "bad.yaml:4: stages[0].channels: missing; needed are name, block, channels",
        "bad.yaml:4: stages[0].chanels: unknown field; did you mean 'channels'?",
    ]


@pytest.mark.parametrize(
    "name", ["imagenet", "cifar100", "antnets_table7", "zoo", "antnet_g2_front"]
)
def test_reports_are_up_to_date(name: str, tmp_path: Path) -> None:
    """Written by `make reports`."""
    recipe = (ROOT / "Makefile").read_text()
    (command,) = re.findall(rf"^\t\$\(BIN\)/antcost (.*reports/{name}\.md)$", recipe, re.MULTILINE)
    command = command.replace("reports/", f"{tmp_path}/").replace("docs/", f"{tmp_path}/../docs/")
    (tmp_path.parent / "docs").mkdir(exist_ok=True)
    subprocess.run(["bash", "-c", f"{sys.executable} -m antcost {command}"], cwd=ROOT, check=True)
    assert (tmp_path / f"{name}.md").read_text() == (ROOT / "reports" / f"{name}.md").read_text()


def test_the_tables_of_the_search_are_those_of_its_benchmark() -> None:
    pytest.importorskip("scipy")
    script = (ROOT / "benchmarks" / "search.py").read_text()
    start = README.index("`.venv/bin/python benchmarks/search.py`")
    rows = [line for line in README[start:].splitlines() if line.startswith("| ")]
    labels = {re.split(r" *\| *", row)[1] for row in rows}
    assert len(labels) == 15
    for label in labels:
        known = re.sub(r"drawn, \d+ costs", "drawn, {len(counts)} costs", label)
        assert re.split(r", (?:scores|entropy)", known)[0] in script, label
