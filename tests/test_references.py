"""BibTeX of sources, networks and tools."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT, require_program

from antcost.check.tools import TOOLS
from antcost.cost.convention import CONVENTIONS
from antcost.document.references import bibliography, cite_key, works
from antcost.measure.engines import BUILT_IN
from antcost.sources.specs.catalog import shipped_names
from antcost.sources.specs.load import load

SOURCES = sorted({row.source for name in shipped_names() for row in load(name).published})
KNOWN = {work.key for work in works()}
HOSTILE = (
    r"\input{/etc/passwd}",
    r"\write18{ls} ^^5c \end{thebibliography}",
    "}, @misc{injected, title = {",
    '"} # {',
    "{{{{",
    "}}}}",
    "\\",
    "% $ & ~ _ ^ # < > | [a] *",
    "-1 --- ?` !`",
    "Émile Ørsted, ß",
    "\N{GRINNING FACE} \N{HEBREW LETTER ALEF}",
    "x" * 200,
    ", Table 3",
)


def keys(text: str) -> list[str]:
    """The keys of all entries."""
    return re.findall(r"^@\w+{([^,\"]+),$", text, re.MULTILINE)


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_of_a_shipped_spec_is_known(source: str) -> None:
    assert cite_key(source) in KNOWN


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_network_has_a_paper(name: str) -> None:
    assert keys(bibliography([], [name]))


@pytest.mark.parametrize("name", shipped_names())
def test_the_papers_of_a_network_are_those_its_spec_begins_with(name: str) -> None:
    """The first number of arXiv in the comment on top, where there is one."""
    text = (ROOT / "specs" / f"{name}.yaml").read_text(encoding="utf-8")
    comment = "".join(re.findall(r"^#.*\n", text, re.MULTILINE))
    numbers = re.findall(r"arXiv (\d{4}\.\d{5}|\d{4}\.\d{4})", comment)
    papers = {work.eprint for work in works() if work.describes(name)}
    assert papers
    assert not numbers or numbers[0] in papers


def test_a_pattern_is_for_a_network_that_ships() -> None:
    for work in works():
        for pattern in work.networks:
            alone = replace(work, networks=(pattern,))
            assert any(map(alone.describes, shipped_names())), pattern


@pytest.mark.parametrize("name", [*TOOLS, *BUILT_IN, "Altair", "Vega-Lite"])
def test_tools_and_engines_are_known(name: str) -> None:
    assert cite_key(name) in KNOWN


@pytest.mark.parametrize("name", CONVENTIONS)
def test_papers_that_conventions_are_from_are_known(name: str) -> None:
    numbers = re.findall(r"arXiv (\S+)\)", CONVENTIONS[name].source)
    assert {*numbers} <= {work.eprint for work in works()}


def test_no_two_works_share_a_key_or_a_name() -> None:
    assert len(KNOWN) == len(works())
    names = [name for work in works() for name in work.names]
    assert len({*names}) == len(names)


def test_a_work_has_what_an_entry_of_its_type_needs() -> None:
    venues = {"inproceedings": "booktitle", "article": "journal", "phdthesis": "school"}
    for work in works():
        (kind,) = re.findall(r"^@(\w+){", work.entry)
        fields = dict(re.findall(r"^  (\w+) = {(.+)},$", work.entry, re.MULTILINE))
        assert re.fullmatch(r"[a-z0-9-]+", work.key)
        assert work.names
        assert "title" in fields
        if kind == "misc":
            assert {"author", "key"} & fields.keys()
            assert {"howpublished", "note"} & fields.keys()
        else:
            assert {venues[kind], "year", "author"} <= fields.keys()
        assert len(fields) == work.entry.count("\n") - 1
        assert not {"names", "networks"} & fields.keys()


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("ANTNets, Table 5 (mixed r)", "xiong2019antnets"),
        ("Xception, Tables 1 and 3", "chollet2017xception"),
        ("MobileNetV2, section 6", "sandler2018mobilenetv2"),
        ("GhostNet (arXiv 1911.11907)", "han2020ghostnet"),
        ("MobileNets as quoted in DARTS, Table 3", "liu2019darts"),
    ],
)
def test_a_source_is_the_work_that_printed_it(source: str, key: str) -> None:
    assert cite_key(source) == key


@pytest.mark.parametrize(
    "source",
    ["MobileNetV2, our training", "ResNet-D", "MobileNetV2 in PyTorch", "SENet (arXiv 1111.11111)"],
)
def test_what_only_begins_like_a_work_is_not_that_work(source: str) -> None:
    assert cite_key(source) not in KNOWN


def test_sources_that_nothing_is_known_of_are_entries_of_their_own() -> None:
    text = bibliography(["Our paper, Table 3", "Our paper, Table 4", "Another  one"])
    assert keys(text) == sorted({cite_key("Our paper"), cite_key("Another one")})
    assert "title = {{Our paper}}" in text


def test_entries_are_sorted_and_stand_once() -> None:
    text = bibliography(["SENet, Table 2", "ANTNets, Table 7"], ["antnet_g2", "se_resnet_50"])
    assert keys(text) == ["hu2018senet", "xiong2019antnets"]
    assert bibliography([]) == ""


def test_a_network_of_two_papers_cites_both() -> None:
    assert keys(bibliography([], ["cifar100/se_mobilenet_v2"])) == [
        "hu2018senet", "sandler2018mobilenetv2", "xiong2019antnets",
    ]  # fmt: skip


def test_networks_are_known_by_their_files(tmp_path: Path) -> None:
    shipped = bibliography([], [str(ROOT / "specs" / "mobilenet_v2.yaml")])
    assert keys(shipped) == ["sandler2018mobilenetv2"]
    assert bibliography([], [str(tmp_path / "mobilenet_v2.yaml"), "mobilenet_v9"]) == ""


def test_an_entry_in_full() -> None:
    assert bibliography(["Xception, Table 1"]).partition("\n\n")[2] == (
        "@inproceedings{chollet2017xception,\n"
        "  title = {{Xception: Deep Learning with Depthwise Separable Convolutions}},\n"
        "  author = {François Chollet},\n"
        "  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},\n"
        "  eprint = {1610.02357},\n"
        "  archiveprefix = {arXiv},\n"
        "  year = {2017},\n"
        "}\n"
    )


def test_bibtex_and_latex_read_every_work_and_every_text(tmp_path: Path) -> None:
    pdflatex, bibtex = map(require_program, ("pdflatex", "bibtex"))
    named = [name for work in works() for name in work.names]
    text = bibliography([*named, *HOSTILE], shipped_names())
    assert len(keys(text)) == len(works()) + len({*HOSTILE})
    (tmp_path / "all.bib").write_text(text, encoding="utf-8")
    (tmp_path / "paper.tex").write_text(
        r"\documentclass{article}\begin{document}\nocite{*}\bibliographystyle{plain}"
        r"\bibliography{all}\end{document}",
        encoding="utf-8",
    )
    latex = [pdflatex, "-no-shell-escape", "-interaction=batchmode", "-halt-on-error", "paper"]
    for command in (latex, [bibtex, "paper"], latex):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        log = (tmp_path / "paper.log").read_text(errors="replace")
        assert done.returncode == 0, done.stdout + log
        assert "Warning--" not in done.stdout
    cited = (tmp_path / "paper.bbl").read_text(encoding="utf-8").count(r"\bibitem")
    assert cited == len(keys(text))
