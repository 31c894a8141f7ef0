"""The README and docs/ show what commands print; their files, programs and links work."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    return [text for found, text in FENCE.findall(PAGES[page]) if found == language]


def files(page: str) -> dict[str, str]:
    """What a page tells to save: its blocks that begin with a comment that is a file's name."""
    return {
        match[1]: text
        for text in blocks(page, "yaml") + blocks(page, "python")
        if (match := re.match(r"# (\w+\.\w+)\n", text))
    }


def lay_out(page: str, folder: Path) -> None:
    """The files of a page, the reports, and a package with the blocks that the page makes known."""
    for name, text in files(page).items():
        (folder / name).write_text(text)
    (folder / "reports").symlink_to(ROOT / "reports")
    entry_points = "".join(blocks(page, "toml"))
    if entry_points:
        info = folder / "acme-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            re.sub(r'project\.entry-points\.|"', "", entry_points)
        )


def shell(command: str, folder: Path) -> str:
    """What a command prints, in a folder whose packages are installed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return result.stdout


def consoles() -> list[Any]:
    """Blocks with a command and what it prints, as cases; what asks other tools needs them."""
    return [
        pytest.param(
            page,
            command.removeprefix("$ "),
            printed,
            id=f"{page}: {command}",
            marks=[pytest.mark.torch] if "antcost check" in command else [],
        )
        for page in PAGES
        for text in blocks(page, "console")
        for command, _, printed in [text.partition("\n")]
    ]


@pytest.mark.parametrize(("page", "command", "printed"), consoles())
def test_console_blocks(tmp_path: Path, page: str, command: str, printed: str) -> None:
    lay_out(page, tmp_path)
    assert shell(command, tmp_path) == printed


def programs() -> list[Any]:
    """Python blocks that are no files, as cases, with the block that stands below them."""
    return [
        pytest.param(page, match[2], FENCE.match(text, match.end() + 2), id=page)
        for page, text in PAGES.items()
        for match in FENCE.finditer(text)
        if match[1] == "python" and match[2] not in files(page).values()
    ]


@pytest.mark.parametrize(("page", "code", "below"), programs())
def test_programs_print_what_stands_below(
    tmp_path: Path, page: str, code: str, below: re.Match[str]
) -> None:
    lay_out(page, tmp_path)
    (tmp_path / "program.py").write_text(code)
    assert shell("python program.py", tmp_path) == below[2]


def test_a_block_of_an_installed_package(tmp_path: Path) -> None:
    """Found through its entry point, with its fields checked like those of built-in blocks."""
    lay_out("docs/specs.md", tmp_path)
    spec = "name: n\ninput: [8, 4, 4]\nclasses: 2\nstages: [{name: a, block: plain_residual, %s}]\n"
    (tmp_path / "good.yaml").write_text(spec % "channels: 16")
    (tmp_path / "bad.yaml").write_text(spec % "chanels: 16")
    (tmp_path / "program.py").write_text(
        "import antcost\n"
        "print(antcost.analyze('good.yaml').madds)\n"
        "try: antcost.analyze('bad.yaml')\n"
        "except antcost.AntcostError as error: print(error)\n"
    )
    assert shell("python program.py", tmp_path).splitlines() == [
        str(2 * 9 * 8 * 16 * 4 * 4),
        "bad.yaml:4: stages[0].channels: missing; needed are name, block, channels",
        "bad.yaml:4: stages[0].chanels: unknown field; did you mean 'channels'?",
    ]


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page: a name that comes again gets a number."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    seen: Counter[str] = Counter()
    found = set()
    for heading in headings:
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = FENCE.sub("", PAGES[page])
    targets = re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text)
    for target in ("".join(pair) for pair in targets):
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        path = ((ROOT / page).parent / name if name else ROOT / page).resolve()
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(path), target


def test_the_readme_links_every_page() -> None:
    linked = set(re.findall(r"\]\((docs/\w+\.md)", PAGES["README.md"]))
    assert linked == PAGES.keys() - {"README.md"}


def test_the_benchmark_tables_are_those_of_the_script() -> None:
    (tables,) = (text for text in blocks("README.md", "text") if "process" in text)
    script = (ROOT / "benchmarks" / "counting.py").read_text()
    names = [re.split(r"  +", line)[0] for line in tables.splitlines() if line and line[0] != "-"]
    assert len(names) == 2 + 3 + 3
    assert all(name in script for name in names)


@pytest.mark.parametrize("name", ["imagenet", "cifar100", "zoo", "antnet_g2_front"])
def test_reports_are_up_to_date(name: str, tmp_path: Path) -> None:
    """Written by `make reports`."""
    recipe = (ROOT / "Makefile").read_text()
    (command,) = re.findall(rf"^\t\$\(BIN\)/antcost (.*reports/{name}\.md)$", recipe, re.MULTILINE)
    command = command.replace("reports/", f"{tmp_path}/").replace("docs/", f"{tmp_path}/../docs/")
    (tmp_path.parent / "docs").mkdir(exist_ok=True)
    subprocess.run(["bash", "-c", f"{sys.executable} -m antcost {command}"], cwd=ROOT, check=True)
    assert (tmp_path / f"{name}.md").read_text() == (ROOT / "reports" / f"{name}.md").read_text()


def test_the_report_of_the_paper_is_up_to_date(tmp_path: Path) -> None:
    """Written by `make reports`, too; drawings are only there."""
    pytest.importorskip("vl_convert")
    recipe = (ROOT / "Makefile").read_text()
    (options,) = re.findall(
        r"antcost report --preset antnets -o reports/antnets (.*)$", recipe, re.M
    )
    shell(f"antcost report --preset antnets -o {tmp_path}/antnets {options}", tmp_path)
    ours, theirs = (
        {path.relative_to(folder): path for path in folder.rglob("*.*")}
        for folder in (tmp_path / "antnets", ROOT / "reports" / "antnets")
    )
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert name.suffix == ".svg" or ours[name].read_bytes() == theirs[name].read_bytes(), name


def test_the_tables_of_the_search_are_those_of_its_benchmark() -> None:
    pytest.importorskip("scipy")
    script = (ROOT / "benchmarks" / "search.py").read_text()
    page = PAGES["docs/benchmarks.md"]
    start = page.index("`.venv/bin/python benchmarks/search.py`")
    rows = [line for line in page[start:].splitlines() if line.startswith("| ")]
    labels = {re.split(r" *\| *", row)[1] for row in rows}
    assert len(labels) == 16
    for label in labels:
        known = re.sub(r"with \d+ costs", "with {len(space.measures)} costs", label)
        assert re.split(r", (?:scores|entropy)", known)[0] in script, label
