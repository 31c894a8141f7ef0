"""Tables as LaTeX, really compiled: in an article of one column, and in one of two."""

import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from conftest import ROOT, require_program
from test_check import predicted_layers, reported
from typer.testing import Result

import antcost
from antcost.cost.convention import CONVENTIONS
from antcost.tables.latex import latex
from antcost.tables.table import Column, Table
from antcost.views.architecture import architecture_table
from antcost.views.checks import bridge_table, checks_table, places_table
from antcost.views.memory import peak_table
from antcost.views.network import network_table

Run = Callable[..., Result]
LAYOUTS = ["onecolumn", "twocolumn"]
DOCUMENT = r"""\documentclass[%s]{article}
\usepackage{%s}
\let\fitted\resizebox
\renewcommand\resizebox[3]{\sbox0{#3}\typeout{\the\wd0/\the\linewidth}\fitted{#1}{#2}{#3}}
\begin{document}
%s
\end{document}
"""
PACKAGES = "booktabs,graphicx"
OVERFULL = re.compile(r"Overfull \\hbox \((\d+\.\d+)pt too wide\)")
FOLDERS = [ROOT / "specs", ROOT / "specs" / "cifar100"]
SHIPPED = [str(path) for folder in FOLDERS for path in sorted(folder.glob("*.yaml"))]


def compiled(
    tables: Sequence[str], folder: Path, layout: str = "onecolumn", packages: str = PACKAGES
) -> Path:
    """The article with these tables; they need no package but two, and fit on its pages."""
    text = DOCUMENT % (layout, packages, "\n\\clearpage\n".join(tables))
    (folder / "doc.tex").write_text(text, encoding="utf-8")
    options = ["-no-shell-escape", "-halt-on-error", "-interaction=nonstopmode"]
    result = subprocess.run(
        [require_program("pdflatex"), *options, "doc.tex"],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert result.returncode == 0, result.stdout[-2000:]
    assert not [match for match in OVERFULL.finditer(result.stdout) if float(match[1]) > 1]
    assert "Float too large" not in result.stdout
    return folder / "doc.pdf"


def smallest(folder: Path) -> float:
    """The most that a table of the article was shrunk by."""
    log = (folder / "doc.log").read_text(errors="replace")
    sizes = re.findall(r"^([\d.]+)pt/([\d.]+)pt$", log, re.MULTILINE)
    return min(float(line) / float(table) for table, line in sizes)


def printed(pdf: Path) -> str:
    """The text of a PDF, without spaces."""
    command = [require_program("pdftotext"), "-layout", str(pdf), "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.sub(r"\s", "", normalize("NFC", text))


def named(*names: str) -> Table[str]:
    """A table with these names in its title, its rows and its notes."""
    columns: tuple[Column[str], ...] = (
        Column("name", "name", lambda name: name),
        Column("madds", "MAdds", lambda name: len(name), "count"),
    )
    return Table(" to ".join(names[:2]), columns, names, notes=names)


def numbers(count: int) -> Table[int]:
    """A table of many columns."""
    columns = [
        Column(f"n{i}", f"number {i}", lambda row, i=i: 10**9 * row + i, "count")
        for i in range(count)
    ]
    kind: Column[int] = Column("kind", "kind", lambda row: "network")
    name: Column[int] = Column("name", "name", str)
    return Table("Numbers", (kind, name, *columns), range(1, 4), notes=["The last."])


def tables_of(name: str) -> list[Table[Any]]:
    """What a report has of a network, but for its layers."""
    spec, madds = antcost.load(name), CONVENTIONS["madds"]
    cost = antcost.analyze(spec)
    return [
        architecture_table(spec, cost, madds),
        network_table(cost, madds, by="stage"),
        network_table(cost, madds, by="kind"),
        peak_table(cost),
    ]


def test_tables_of_every_network_fit(tmp_path: Path) -> None:
    texts = [
        latex(table, exact)
        for name in SHIPPED
        for table in tables_of(name)
        for exact in (False, True)
    ]
    for layout in LAYOUTS:
        compiled(texts, tmp_path, layout)
        assert smallest(tmp_path) > 0.6


def test_tables_of_every_command_fit(run: Run, tmp_path: Path) -> None:
    commands = [
        ("table", "antnet_g2"),
        ("table", "antnet_g2", "--exact"),
        ("table", "nasnet_a_mobile", "--exact", "--all", "--sort", "madds", "--top", "100"),
        ("table", "mobilenet_v2", "--by", "block"),
        ("table", "antnet_g2", "--by", "kind", "--columns", "name"),
        ("table", "antnet_g1", "--all", "--set", "ant4.repeat=40", "--columns", "name,madds"),
        ("compare", str(ROOT / "specs")),
        ("compare", str(ROOT / "specs"), "--exact", "--baseline", "mobilenet_v2"),
        ("compare", str(ROOT / "specs"), "--published"),
        ("compare", str(ROOT / "specs"), "--columns", "network,input,published"),
        ("compare", "mobilenet_v2", "antnet_g2"),
        ("compare", "mobilenet_v2", "--columns", "madds,flops,fvcore,thop,ptflops,torchinfo"),
        ("diff", "antnet_g1", "antnet_g2", "--all"),
        ("diff", "antnet_g1", "mobilenet_v3_small"),
        ("latency", "--from", str(ROOT / "reports" / "table8.json")),
        ("size", "antnet_g2"),
        ("conventions",),
        ("specs",),
    ]
    tables = [run(*command, "--format", "latex").stdout for command in commands]
    counts, params = predicted_layers("fvcore")
    checks = [
        reported("fvcore", 314_193_200, 3_504_877, counts, params | {"conv0.conv": 869}),
        reported("thop", 327_550_720),
    ]
    for table in (checks_table(checks), bridge_table(checks), places_table(checks, "layer")):
        tables.append(latex(table, exact=True))
    assert "U+" not in "".join(tables)
    for layout in LAYOUTS:
        compiled(tables, tmp_path, layout)
        assert smallest(tmp_path) > 0.6
    compiled(tables, tmp_path, "twocolumn", f"{PACKAGES},array,calc,hyperref")
    aux = (tmp_path / "doc.aux").read_text()
    numbered = re.findall(r"contentsline \{table\}\{\\numberline \{(\d+)\}", aux)
    assert list(dict.fromkeys(map(int, numbered))) == [*range(1, len(tables) + 1)]


def test_formulas_fit(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("sympy", reason="needs the explain extra")
    commands = [
        ("--block", "e_ant"),
        ("--block", "ant"),
        ("antnet_g2", "--stage", "ant3"),
        *((name,) for name in ("antnet_g2", "nasnet_a_mobile", "densenet_121", "vgg_16")),
    ]
    tables = [run("explain", *command, "--format", "latex").stdout for command in commands]
    for layout in LAYOUTS:
        compiled(tables, tmp_path, layout)
        assert smallest(tmp_path) > 0.6


HOSTILE = {
    r"\input{/etc/passwd}": r"\input{/etc/passwd}",
    r"\immediate\write18{touch x}": r"\immediate\write18{touchx}",
    r"\end{tabular}\end{document}": r"\end{tabular}\end{document}",
    "^^5c^^5e": "\N{MODIFIER LETTER CIRCUMFLEX ACCENT}" * 2
    + "5c"
    + "\N{MODIFIER LETTER CIRCUMFLEX ACCENT}" * 2
    + "5e",
    "50% $5 #1 & ~x": "50%$5#1&\u02dcx",
    "--count ---x >> << |": "--count---x>><<|",
    "?` !` ``a'' ,,": "?\u2018!\u2018\u2018\u2018a\u2019\u2019,,",
    'a "b': "a\u201db",
    "[x] *y*": "[x]*y*",
    "}}{{": "}}{{",
    "\\\\": "\\\\",
    "-5 --5": "\u22125--5",
    "e\u0301 café": "écafé",
    "Čapek, Gödel": "Čapek,Gödel",
    "\u03b1 \u2264 1 \u2013 \u2026": "\u03b1≤1\u2013...",
    "«Đ»": "U+00ABU+0110U+00BB",
    "z\u0335 \u202e": "zU+0335U+202E",
    "😀": "U+1F600",
    "\u05e9\u05dc\u05d5\u05dd": "U+05E9U+05DCU+05D5U+05DD",
    "a\nb\0": "aU+000AbU+0000",
}
LONG = ["x" * 200, "W" * 200, "{" * 200, "a/" * 100, "ab " * 66, "😀" * 50, "a\u05d0" * 50]
LETTERS = ["".join(map(chr, range(code, code + 20))) for code in range(0xA0, 0x2400, 20)]


def test_hostile_names_are_printed_and_do_nothing(tmp_path: Path) -> None:
    tables = [latex(named(name), exact=False) for name in (*HOSTILE, *LONG)]
    tables.append(latex(named(*HOSTILE), exact=True))
    tables.append(latex(replace(named(*LETTERS), notes=()), exact=True))
    compiled(tables, tmp_path, "twocolumn", f"{PACKAGES},array,calc,hyperref")
    text = printed(compiled(tables, tmp_path))
    for expected in HOSTILE.values():
        assert text.count(expected) >= 2  # the note under its own table, and under that of all
    for name in LONG:
        assert name.replace(" ", "").replace("😀", "U+1F600").replace("\u05d0", "U+05D0") in text
    assert "root:" not in text
    assert not (tmp_path / "x").exists()


def test_a_long_table_goes_on_under_the_same_number() -> None:
    text = latex(named(*(f"network {i}" for i in range(700))), exact=False, label="tab:all")
    count = text.count(r"\begin{table}")
    assert count > 10
    assert text.count(r"\addtocounter{table}{-1}") == text.count("(continued)}") == count - 1
    assert text.count(r"\label{tab:all}") == 1


def test_long_texts_of_a_wide_table_are_wrapped_and_numbers_are_not(tmp_path: Path) -> None:
    wide = latex(named("many words " * 40, "few words"), exact=True)
    assert r"\begin{tabular}{@{}p{0.92\linewidth}r@{}}" in wide
    narrow = latex(named("few words"), exact=True)
    assert r"\begin{tabular}{@{}lr@{}}" in narrow
    compiled([wide, narrow], tmp_path)
    assert smallest(tmp_path) > 0.98


def test_an_empty_table_and_an_empty_column_compile(tmp_path: Path) -> None:
    empty = replace(numbers(2), items=())
    names = named("a", "b")
    nameless = replace(names, columns=[*names.columns, Column("none", "", lambda name: "")])
    compiled([latex(empty, exact=True), latex(nameless, exact=True)], tmp_path)
    assert "Thelast." in printed(tmp_path / "doc.pdf")


def test_what_is_still_too_wide_is_shrunk(tmp_path: Path) -> None:
    text = latex(numbers(20), exact=True)
    for layout in LAYOUTS:
        compiled([text], tmp_path, layout)
        assert 0.2 < smallest(tmp_path) < 0.5


def test_the_table_needs_booktabs_and_graphicx_alone(run: Run) -> None:
    text = run("table", "antnet_g2", "--by", "stage", "--format", "latex").stdout
    for command in (r"\toprule", r"\bottomrule", r"\begin{table*}", r"\end{table*}"):
        assert text.count(command) == 1
    assert text.count(r"\midrule") == 2
    assert r"fc10 & linear & 2 & 1280x1x1 & 1000 & 1.28M & 38.3 & 1.28M & 0.5 \\" in text
    assert r"\hline" not in text
