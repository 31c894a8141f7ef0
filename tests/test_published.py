"""`antcost compare --published`: the figures of a paper's table, and why ours differ."""

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml
from conftest import ROOT
from typer.testing import Result

import antcost
from antcost.errors import SpecError
from antcost.reconcile.reasons import why
from antcost.sources.specs.catalog import shipped_names
from antcost.tables.table import Column, Table
from antcost.tables.text import render_text

Run = Callable[..., Result]
Write = Callable[..., Path]
TABLE_7 = ("compare", "specs", "--published", "--source", "ANTNets, Table 7")


@pytest.fixture(autouse=True)
def _in_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def rows(run: Run, *command: str) -> dict[str, dict[str, str]]:
    """The rows of a table by network, as CSV holds them."""
    text = run(*command, "--format", "csv").stdout
    return {row["network"]: row for row in csv.DictReader(io.StringIO(text))}


def test_table_7_with_the_reason_of_every_difference(run: Run) -> None:
    """Its 16 networks; those whose counts do not round to the printed figures have a reason."""
    table = rows(run, *TABLE_7)
    assert len(table) == 16
    specs = {spec.name: spec for spec in map(antcost.load, shipped_names())}
    for network, row in table.items():
        (printed,) = (r for r in specs[network].published if r.source == "ANTNets, Table 7")
        rounds = (
            printed.params.rounds(int(row["params"])),
            printed.madds.rounds(int(row["madds"])),
        )
        assert (row["reason"] == "") == all(rounds), network


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        ("SqueezeNext", "MAdds: counted as SqueezeNext MACs (708M)"),
        ("MobileNetV2",
         "params: batch norm left out, cut from 3,470,760, not rounded; "
         "MAdds: cut from 300,774,272, not rounded"),
        ("CondenseNet (G = C = 4)",
         "printed under the other label, these are the figures of G = C = 8"),
        ("CondenseNet (G = C = 8)",
         "printed under the other label, these are the figures of G = C = 4"),
        ("ShuffleNet (2x, g = 3)", ""),
    ],
)  # fmt: skip
def test_reasons(run: Run, network: str, reason: str) -> None:
    assert rows(run, *TABLE_7)[network]["reason"] == reason


def test_what_cannot_be_derived_says_how_much_was_tried(run: Run) -> None:
    reason = rows(run, *TABLE_7)["e-ANTNet"]["reason"]
    assert re.fullmatch(
        r"MAdds: not derivable, none of \d+ ways to read and count it gives both figures", reason
    )


def test_another_source_has_another_reason(run: Run) -> None:
    command = ("compare", "specs", "--published", "--source", "research/SLIM")
    table = rows(run, *command)
    assert [table["MobileNetV2 (1.4)"][key] for key in ("params_published", "reason")] == [
        "6060000",
        "params: batch norm left out (6.06M)",
    ]
    assert "SqueezeNext" not in table
    assert "6.06M" in run("compare", "mobilenet_v2_1.4", "--source", "slim").stdout


def test_the_columns_are_ours_theirs_and_why(run: Run) -> None:
    text = run("compare", "squeezenext", "--published").stdout
    header = text.splitlines()[2].split()
    assert header == [
        *("network", "params", "publ.", "diff.", "MAdds", "publ.", "diff.", "reason"),
    ]
    assert "publ.: as printed in ANTNets, Table 7. diff.: ours against that.\n" in text


def test_networks_without_figures_are_left_out(run: Run) -> None:
    text = run("compare", "squeezenext", "cifar100/c_antnet", "--published").stdout
    assert text.startswith("1 network\n")
    assert text.endswith("Left out, without published params or MAdds: 1.\n")
    assert "Left out" not in run("compare", "squeezenext", "--published").stdout
    empty = run("compare", "cifar100/c_antnet", "--published").stdout
    assert empty.endswith("Left out, without published params or MAdds: 1.\n")
    assert "---" not in empty


def test_json_has_reasons_and_notes(run: Run) -> None:
    data = json.loads(
        run(
            "compare", "condensenet_g8", "--published", "--source", "ANTNets", "--format", "json"
        ).stdout
    )
    (network,) = data["networks"]
    assert network["reason"] == network["published"][0]["note"]
    plain = json.loads(run("compare", "condensenet_g8", "--format", "json").stdout)
    assert "reason" not in plain["networks"][0]


def test_the_reason_is_a_column_like_others(run: Run) -> None:
    text = run("compare", "squeezenext", "mobilenet_v2", "--columns", "network,reason").stdout
    assert "counted as SqueezeNext MACs (708M)" in text
    assert "cut from 300,774,272, not rounded" in text


SMALL = """
name: small
input: [3, 8, 8]
classes: 10
stages: [{name: c, block: conv, kernel: 1, channels: 8}]
published: [%s]
ambiguous: [{why: Nobody knows., set: {c.bias: true}}]
"""


@pytest.mark.parametrize(
    ("published", "reason"),
    [
        ("{source: us, params: 40, madds: 1536}", None),
        ("{source: us, params: 40, note: Never shown.}", None),
        ("{source: us, params: 41, note: Nobody knows.}", "Nobody knows."),
        ("{source: us, params: 48}", "params: read with c.bias=true (48)"),
        ("{source: us, params: 24}", "params: batch norm left out (24)"),
        ("{source: us, madds: 1k}", "MAdds: cut from 1,536, not rounded"),
        ("{source: us, madds: 7M}",
         "MAdds: not derivable, none of 7 ways to read and count it fits"),
        ("{source: us, params: 24}, {source: them, params: 7M, madds: 1536}",
         "params: batch norm left out (24)"),
        ("{source: us, params: 24}, {source: them, params: 7M, madds: 2048}",
         "params: batch norm left out (24); MAdds: counted as SqueezeNext MACs (2.05k)"),
    ],
)  # fmt: skip
def test_what_a_reason_says(
    run: Run, write_spec: Write, published: str, reason: str | None
) -> None:
    (row,) = rows(run, "compare", str(write_spec(SMALL % published)), "--published").values()
    assert row["reason"] == (reason or "")


def test_a_row_by_itself() -> None:
    spec = antcost.load("squeezenext")
    row, quoted = spec.published
    assert why(spec, row) == "MAdds: counted as SqueezeNext MACs (708M)"
    assert why(spec, quoted) is None


def test_reasons_are_of_the_network_without_auxiliary_heads(run: Run) -> None:
    command = ("compare", "pnasnet5_mobile", "nasnet_a_mobile", "--published")
    reasons = [
        [row["reason"] for row in rows(run, *command, *flag).values()]
        for flag in ((), ("--training",))
    ]
    assert reasons[0] == reasons[1]


def test_a_note_is_one_line_of_text_within_bounds(run: Run, write_spec: Write) -> None:
    for note, expected in [
        ("7", "expected text, got 7"),
        ("''", "expected some text, got ''"),
        (f"'{'a' * 201}'", "expected at most 200 characters"),
        ('"a\\nb"', "expected one line of printable text"),
    ]:
        path = write_spec(SMALL % f"{{source: us, note: {note}}}")
        with pytest.raises(SpecError, match="note: ") as caught:
            antcost.load(path)
        assert expected in str(caught.value)
    schema = json.loads(run("schema").stdout)
    spec = yaml.safe_load((ROOT / "specs" / "condensenet_g8.yaml").read_text())
    jsonschema.validate(spec, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**spec, "published": [{"source": "us", "note": 7}]}, schema)


@pytest.mark.parametrize("output_format", ["markdown", "latex", "html", "text"])
def test_reasons_are_whole_in_every_format(run: Run, output_format: str) -> None:
    text = run("compare", "squeezenext", "--published", "--format", output_format).stdout
    assert "counted as SqueezeNext MACs (708M)" in text


def table(*reasons: str) -> Table[str]:
    columns: tuple[Column[str], ...] = (
        Column("name", "name", lambda _: "a network"),
        Column("spare", "spare", lambda _: "0123456789", spare=1),
        Column("reason", "reason", lambda reason: reason, "prose"),
    )
    return Table("title", columns, reasons, notes=())


def test_prose_is_wrapped_on_a_terminal() -> None:
    reason = "one two three four five six seven eight nine ten eleven twelve thirteen"
    text = render_text(table(reason, ""), exact=False, width=60, styled=False)
    lines = text.splitlines()
    assert lines[2].split() == ["name", "spare", "reason"]
    assert max(map(len, lines)) <= 60
    assert " ".join(line[23:].strip() for line in lines[4:6]) == reason
    assert lines[6] == "a network  0123456789"
    whole = render_text(table(reason), exact=False, width=None, styled=False)
    assert f"0123456789  {reason}" in whole


def test_prose_makes_room_before_columns_are_hidden() -> None:
    wide = "word " * 20
    assert "Hidden" not in render_text(table(wide), exact=False, width=53, styled=False)
    narrow = render_text(table(wide), exact=False, width=52, styled=False)
    assert "Hidden to fit: spare." in narrow
    assert max(map(len, narrow.splitlines())) <= 52


def test_it_needs_no_slow_package() -> None:
    code = (
        "import sys; from antcost.__main__ import main; sys.argv[1:] = "
        "['compare', 'squeezenext', '--published']\n"
        "try: main()\n"
        "finally: print({'torch', 'sympy', 'pandas', 'scipy', 'altair'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.endswith("\nset()\n"), result.stderr


def test_a_figure_has_a_row_a_network_and_is_linked_by_markdown(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("altair", reason="needs the report extra")
    page, figure = tmp_path / "zoo.md", tmp_path / "a figure.svg"
    names = ("vgg_16", "ghostnet", "cifar100/c_antnet")
    run("compare", *names, "--figure", str(figure), "--format", "markdown", "-o", str(page))
    assert "![3 networks](a%20figure.svg)\n" in page.read_text()
    drawn = figure.read_text()
    assert "VGG-16" in drawn
    assert "GhostNet (1.0x)" in drawn
    assert "c-ANTNet" not in drawn  # nothing was published
    result = run("compare", names[-1], "--figure", str(figure), exit_code=2)
    assert result.stderr == "no network has a published top-1 to draw\n"


def test_rows_say_their_source_where_there_are_several(run: Callable[..., Result]) -> None:
    one = run("compare", "mobilenet_v2", "antnet_g2", "--published").stdout
    assert "published in" not in one
    assert "publ.: as printed in ANTNets, Table 7." in one
    two = run("compare", "mobilenet_v2", "ghostnet", "--published", "--format", "csv").stdout
    rows = {row["network"]: row["source"] for row in csv.DictReader(two.splitlines())}
    assert rows == {
        "MobileNetV2": "ANTNets, Table 7",
        "GhostNet (1.0x)": "GhostNet (arXiv 1911.11907)",
    }
    text = run("compare", "mobilenet_v2", "ghostnet", "--published").stdout
    assert "publ.: as printed in its source." in text
