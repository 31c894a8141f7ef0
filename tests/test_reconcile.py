"""What explains published figures: rounding, readings, ranking, and how the command tells it."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from conftest import ROOT, network
from test_cli import plain, run_in_terminal
from typer.testing import Result

import antcost
from antcost.errors import SpecError
from antcost.reconcile.reconciliation import Combination, Reconciliation, reconcile
from antcost.sources.specs.build import build_graph
from antcost.sources.specs.catalog import shipped_names
from antcost.sources.specs.interpretations import interpretations
from antcost.sources.specs.model import NetSpec
from antcost.units import COUNT_UNITS, read_printed

Run = Callable[..., Result]
Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("3.4M", 3_350_000, 3_449_999),
        ("3.40M", 3_395_000, 3_404_999),
        ("300M", 299_500_000, 300_499_999),
        ("14 k", 13_500, 14_499),
        ("5", 5, 5),
        ("0.5k", 450, 549),
        ("0M", 0, 499_999),
    ],
)
def test_what_rounds_to_a_printed_figure(text: str, first: int, last: int) -> None:
    printed = read_printed(text, COUNT_UNITS)
    assert [printed.rounds(n) for n in (first - 1, first, last, last + 1)] == [
        first == 0,
        True,
        True,
        False,
    ]
    assert printed.miss(first) == printed.miss(last) == 0
    assert printed.miss(last + 1) >= 0


def test_what_is_cut_to_a_printed_figure() -> None:
    printed = read_printed("3.4M", COUNT_UNITS)
    counts = (3_399_999, 3_400_000, 3_499_999, 3_500_000)
    assert [printed.truncates(count) for count in counts] == [False, True, True, False]


def test_a_miss_is_relative_to_the_bound_that_is_missed() -> None:
    printed = read_printed("3.4M", COUNT_UNITS)
    assert printed.miss(2 * 3_450_000) == 1
    assert printed.miss(3_350_000 // 2) == Fraction(-1, 2)
    assert read_printed("0", COUNT_UNITS).miss(1) == 1


def reconciled(name: str) -> dict[str, Reconciliation]:
    """The published rows of a shipped network by their source."""
    spec = antcost.load(name)
    return {row.published.source: row for row in reconcile(spec, spec.published)}


def summary(combination: Combination) -> list[tuple[str, int, str]]:
    return [(f.convention.name, f.count, f.fit) for f in combination.figures]


SLIM = "tensorflow/models research/slim"


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("mobilenet_v2_1.4", SLIM,
         [("no_bn", 6_060_840, "rounded"), ("madds", 582_195_824, "rounded")]),
        ("mobilenet_v2", SLIM,
         [("no_bn", 3_470_760, "rounded"), ("madds", 300_774_272, "truncated")]),
        ("mobilenet_v2", "ANTNets, Table 7",
         [("no_bn", 3_470_760, "truncated"), ("madds", 300_774_272, "truncated")]),
        ("mobilenet_v2", "ShuffleNetV2, Table 8", [("madds", 300_774_272, "rounded")]),
        ("mobilenet_v1", "MobileNets as quoted in DARTS, Table 3",
         [("madds", 4_231_976, "rounded"), ("madds", 568_740_352, "rounded")]),
        ("squeezenext", "ANTNets, Table 7",
         [("madds", 3_222_912, "rounded"), ("squeezenext", 707_985_920, "rounded")]),
        ("condensenet_g4", "ShichenLiu/CondenseNet",
         [("madds", 4_773_944, "rounded"), ("condensenet", 529_328_264, "rounded")]),
        ("condensenet_g8", "ShichenLiu/CondenseNet",
         [("madds", 2_935_416, "rounded"), ("condensenet", 274_233_480, "rounded")]),
        ("shufflenet_1.5x", "ANTNets, Table 7",
         [("madds", 3_441_168, "rounded"), ("madds", 292_443_552, "rounded")]),
        ("shufflenet_2x", "ANTNets, Table 7",
         [("madds", 5_449_776, "rounded"), ("madds", 524_045_184, "rounded")]),
    ],
)  # fmt: skip
def test_explanations(name: str, source: str, expected: list[tuple[str, int, str]]) -> None:
    row = reconciled(name)[source]
    assert row.derivable
    assert summary(row.best) == expected
    assert row.best.taken == ()


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("mobilenet_v2_1.4", "ANTNets, Table 7"),
        ("mobilenet_v1", "ANTNets, Table 7"),
        ("condensenet_g4", "ANTNets, Table 7"),
        ("condensenet_g8", "ANTNets, Table 7"),
        ("antnet_g1", "ANTNets, Table 7"),
    ],
)
def test_what_is_not_derivable(name: str, source: str) -> None:
    row = reconciled(name)[source]
    assert (row.derivable, row.fits, row.best.fit) == (False, 0, "off")
    tenths = [round(1000 * combination.miss) for combination in row.combinations]
    assert tenths == sorted(tenths)


def test_every_reading_of_the_shipped_networks_can_be_built() -> None:
    for name in shipped_names():
        spec = antcost.load(name)
        networks = [build_graph(reading) for _, reading in interpretations(spec)]
        assert len(networks) == 2 ** len(spec.ambiguous)


def test_rows_without_parameters_and_madds_need_no_explanation() -> None:
    sources = reconciled("squeezenext")
    assert list(sources) == ["ANTNets, Table 7"]
    assert len(antcost.load("squeezenext").published) == 2


CONV = {"name": "c", "block": "conv", "kernel": 1, "channels": 8}
BIAS = {"why": "Nobody knows.", "set": {"c.bias": True}}
WIDER = {"why": "Nobody cares.", "set": {"c.channels": 16}}


def small(*ambiguous: dict[str, Any], **published: Any) -> NetSpec:
    """A 1x1 convolution from 3 to 8 channels: 24 weights, 16 of batch norm, 24 * 64 MAdds."""
    spec = network(CONV, input_shape=(3, 8, 8))
    return antcost.load(
        {**spec, "ambiguous": list(ambiguous), "published": [{"source": "us", **published}]}
    )


def best(spec: NetSpec) -> Combination:
    (row,) = reconcile(spec, spec.published)
    return row.best


def test_an_ambiguity_explains() -> None:
    combination = best(small(WIDER, BIAS, params="48", madds="1536"))
    assert [ambiguity.why for ambiguity in combination.taken] == ["Nobody knows."]
    assert summary(combination) == [("madds", 24 + 8 + 16, "rounded"), ("madds", 1536, "rounded")]


def test_both_figures_come_from_one_reading() -> None:
    wide = {"params": "80", "madds": str(24 * 64)}
    assert best(small(WIDER, **wide)).fit == "off"
    for field, figure in wide.items():
        assert best(small(WIDER, **{field: figure})).fit == "rounded"


def test_the_simplest_explanation_is_the_first() -> None:
    """40 is plain; 24 is it without batch norm, by another convention or by another network."""
    no_norm = {"why": "No norm, perhaps.", "set": {"c.norm": False}}
    assert best(small(no_norm, params="40")).deviations == (0, 0)
    combination = best(small(no_norm, params="24"))
    assert (combination.deviations, combination.taken) == ((1, 0), ())


def test_papers_come_before_tools() -> None:
    """1 for each normalised element is what torchprofile counts, and SqueezeNext's authors."""
    combination = best(small(madds=str(24 * 64 + 8 * 64)))
    assert summary(combination) == [("squeezenext", 2048, "rounded")]


def test_rounding_comes_before_truncation_even_if_it_takes_more() -> None:
    """1536 is 2k, or 1k without its later digits; half of it is 1k rounded."""
    half = {"why": "Half of it, perhaps.", "set": {"c.channels": 4}}
    assert summary(best(small(half, madds="2k"))) == [("madds", 1536, "rounded")]
    assert summary(best(small(madds="1k"))) == [("madds", 1536, "truncated")]
    assert summary(best(small(half, madds="1k")))[0][1:] == (768, "rounded")


def test_less_than_a_tenth_of_a_percent_is_no_reason_for_an_unusual_convention() -> None:
    """Everything is 100 % off; conventions that count more are nearer by hundredths."""
    spec = small(BIAS, params="10M", madds="10M")
    (row,) = reconcile(spec, spec.published)
    assert summary(row.best) == [("madds", 40, "off"), ("madds", 1536, "off")]
    assert row.best.miss > min(combination.miss for combination in row.combinations)


def test_equal_results_are_one_combination() -> None:
    same = {"why": "It makes no difference.", "set": {"c.activation": "relu"}}
    (alone,) = reconcile(small(params="40"), small(params="40").published)
    spec = small(same, params="40")
    (row,) = reconcile(spec, spec.published)
    assert len(row.combinations) == len(alone.combinations) == len({24, 32, 40})
    assert row.fits == 1


def test_ambiguities_of_one_field_exclude_each_other() -> None:
    spec = small(WIDER, {"why": "Or so.", "set": {"c.channels": 4, "width": 2.0}}, BIAS)
    taken = [[a.why for a in ambiguities] for ambiguities, _ in interpretations(spec)]
    assert taken == [
        [],
        ["Nobody cares."],
        ["Or so."],
        ["Nobody knows."],
        ["Nobody cares.", "Nobody knows."],
        ["Or so.", "Nobody knows."],
    ]


def test_a_reading_leaves_the_spec_as_it_is() -> None:
    spec = small(BIAS)
    _, (_, reading) = interpretations(spec)
    assert [reading.stages[0].fields()["bias"], spec.stages[0].fields()["bias"]] == [True, False]
    assert not spec.document.tree["stages"][0].get("bias")


def test_ambiguities_are_inherited_until_a_spec_has_its_own(write_spec: Write) -> None:
    parent = antcost.load("antnet_g1")
    assert antcost.load(write_spec("extends: antnet_g1\n")).ambiguous == parent.ambiguous
    assert antcost.load("antnet_g1", ["width=0.5"]).ambiguous == parent.ambiguous
    assert antcost.load(write_spec("extends: antnet_g1\nambiguous: []\n")).ambiguous == ()


HEAD = "extends: antnet_g1\npublished: [{source: us, params: 3.7M}]\nambiguous:\n"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("  - {why: a, set: {}}\n", "4: ambiguous[0].set: expected at least 1 of them, got {}"),
        ("  - {why: a}\n", "4: ambiguous[0].set: missing; needed are why, set"),
        ("  - {set: {width: 2}}\n", "4: ambiguous[0].why: missing; needed are why, set"),
        ("  - {why: a, sets: {}, set: {width: 2}}\n",
         "4: ambiguous[0].sets: unknown field; did you mean 'set'?"),
        ("  - {why: a, set: [width]}\n",
         "4: ambiguous[0].set: expected fields, got ['width']"),
        ("  - 7\n", "4: ambiguous[0]: expected fields such as {name: ...}, got 7"),
        ("  - {why: a, set: {width: 2}}\n" * 9, "3: ambiguous: expected at most 8 of them, got 9"),
        ("  - why: a\n    set: {ant9.groups: 2}\n",
         "5: ambiguous[0].set: ant9.groups: no stage is called 'ant9'; did you mean 'ant7'?"),
        ("  - why: a\n    set: {published: 2}\n",
         "5: ambiguous[0].set: published: no such field; expected one of classes, input, name, "
         "resolution, width, or STAGE.FIELD such as ant4.channels"),
        ("  - why: a\n    set:\n      ant2.grups: 2\n",
         "6: stages[2].grups: unknown field; did you mean 'groups'?"),
        ("  - why: a\n    set:\n      ant2.groups: x\n",
         "6: stages[2].groups: expected an integer, got 'x'"),
        ("  - why: a\n    set:\n      ant3.groups: 5\n",
         "6: stages[3].groups: ant3.0.project.conv: groups=5 does not divide 144 -> 32 channels"),
    ],
)  # fmt: skip
def test_a_wrong_ambiguity(write_spec: Write, rows: str, expected: str) -> None:
    path = write_spec(HEAD + rows)
    with pytest.raises(SpecError) as caught:
        reconcile(antcost.load(path), ())
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}:{expected}")


def test_an_ambiguity_of_a_parent_is_found_where_it_was_written(write_spec: Write) -> None:
    parent = write_spec(HEAD + "  - {why: a, set: {ant7.groups: 2}}\n", "parent.yaml")
    path = write_spec(
        "extends: parent.yaml\nstages: [{name: p, block: avgpool}]\npublished: []\n", "child.yaml"
    )
    with pytest.raises(SpecError, match=r"no stage is called 'ant7'") as caught:
        reconcile(antcost.load(path), ())
    assert str(caught.value).startswith(f"{parent}:4: ambiguous[0].set: ant7.groups: ")
    assert antcost.analyze(path).params == 0


def test_the_schema_knows_ambiguities(run: Run) -> None:
    schema = json.loads(run("schema").stdout)
    spec = yaml.safe_load((ROOT / "specs" / "antnet_g2.yaml").read_text())
    jsonschema.validate(spec, schema)
    for wrong in ({"why": "a"}, {"set": {"a.b": 1}}, {"why": "a", "set": {}}, 7):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**spec, "ambiguous": [wrong]}, schema)


def cells(text: str) -> Iterator[list[str]]:
    """The cells of a text table's rows."""
    for line in text.partition("\n\n")[2].partition("\n\n")[0].splitlines()[2:]:
        yield line.split()


def test_the_command_tells_it_plainly(run: Run) -> None:
    text = run("reconcile", "mobilenet_v2_1.4").stdout
    assert text.startswith("MobileNetV2 (1.4): what explains the published figures\n")
    rows = [row[2:] for row in cells(text) if row[0].startswith("tensorflow")]
    assert [" ".join(row[:-3]) for row in rows] == [
        "6.06M 6,060,840 params (no_bn) rounded",
        "582M 582,195,824 MAdds rounded",
    ]
    assert "params (no_bn): parameters - batch norm.\n" in text
    assert len(re.findall(r" off +-[\d.]+ %  0 of \d+$", text, re.MULTILINE)) == 3
    assert "0 of N: not derivable; the nearest is shown.\n" in text
    assert "rank" not in text


@pytest.mark.parametrize(
    "names", [("mobilenet_v2",), ("mobilenet_v2", "mobilenet_v2_1.4"), ("antnet_1.4",)]
)
def test_a_narrow_terminal_shows_what_fits_and_whose_it_is(names: tuple[str, ...]) -> None:
    text = plain(run_in_terminal(70, "reconcile", *names))
    assert max(map(len, text.splitlines())) <= 70
    rows = text.split("\n\n")[1].splitlines()[2:]
    assert all(re.search(r" \d+ of \d+$", row) for row in rows)
    assert "Hidden to fit: " in text
    assert "counted_as" in text.partition("Hidden to fit: ")[2]
    for title in ("MobileNetV2", "MobileNetV2 (1.4)") if len(names) == 2 else ():
        assert any(row.startswith(f"{title} ") for row in rows)


def test_the_command_shows_readings_and_why(run: Run) -> None:
    text = run("reconcile", "antnet_1.4").stdout
    assert "ant*.attention_bias=true; width=1 and 8 more" in text
    assert "width=1 and 8 more: The paper does not say how channels are rounded" in text


def test_the_command_shows_the_next_explanations(run: Run) -> None:
    text = run("reconcile", "squeezenext", "--top", "2", "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["rank"], row["counted_as"]) for row in rows] == [
        ("1", "params"), ("1", "SqueezeNext MACs"), ("2", "params"), ("2", "torchprofile"),
    ]  # fmt: skip
    assert rows[0]["count"] == "3222912"


def test_json_has_every_combination(run: Run) -> None:
    data = json.loads(run("reconcile", "squeezenext", "--format", "json").stdout)
    (net,) = data["networks"]
    (row,) = net["published"]
    assert (net["network"], net["spec"], row["derivable"]) == ("SqueezeNext", "squeezenext", True)
    assert net["ambiguous"][0]["set"] == {"input": [3, 224, 224]}
    assert row["fits"] == sum(c["fit"] == "rounded" for c in row["combinations"])
    assert row["combinations"][0] == {
        "fit": "rounded",
        "taken": [],
        "params": {
            "printed": "3.2M",
            "value": 3_200_000,
            "convention": "madds",
            "count": 3_222_912,
            "fit": "rounded",
            "off": 0.0,
        },
        "madds": {
            "printed": "708M",
            "value": 708_000_000,
            "convention": "squeezenext",
            "count": 707_985_920,
            "fit": "rounded",
            "off": 0.0,
        },
    }


def test_set_holds_the_published_figures_against_another_network(run: Run) -> None:
    text = run("reconcile", "shufflenet_2x", "--set", "fc6.bias=true").stdout
    assert text.startswith("ShuffleNet (2x, g = 3) with fc6.bias=true: what explains")
    assert "5,450,776" not in text
    error = run("reconcile", "shufflenet_2x", "--set", "fc6.bais=true", exit_code=2).stderr
    assert "did you mean 'bias'?" in error


def test_networks_without_published_figures_are_named(run: Run) -> None:
    note = "No published params or MAdds: ANTNet (g = 2), CIFAR100.\n"
    text = run("reconcile", "cifar100/antnet_g2", "mobilenet_v2").stdout
    assert text.startswith("2 networks: ")
    assert f"\n{note}" in text
    assert run("reconcile", "cifar100/antnet_g2").stdout == note
    assert plain(run_in_terminal(60, "reconcile", "cifar100/antnet_g2")) == note


def test_a_network_that_fails_alone_is_a_mistake_as_in_other_commands(run: Run) -> None:
    result = run("reconcile", "nosuch", exit_code=2)
    assert result.stdout == ""
    assert result.stderr.startswith("nosuch: no such file and no such network; ")
    assert result.stderr.count("\n") == 1
    shown = run("reconcile", "nosuch", "mobilenet_v2", exit_code=1)
    assert shown.stdout.startswith("MobileNetV2: what explains")
    assert shown.stderr == result.stderr


def test_a_network_that_fails_leaves_the_others(run: Run, write_spec: Write) -> None:
    path = write_spec(HEAD + "  - {why: a, set: {ant9.groups: 2}}\n")
    result = run("reconcile", str(path), "mobilenet_v2", exit_code=1)
    assert result.stdout.startswith("MobileNetV2: what explains the published figures\n")
    assert result.stderr.startswith(f"{path}:4: ambiguous[0].set: ant9.groups: no stage")


@pytest.mark.parametrize("output_format", ["text", "markdown", "latex", "csv", "json", "html"])
def test_every_format_to_a_file(run: Run, tmp_path: Path, output_format: str) -> None:
    target = tmp_path / "out"
    run("reconcile", "mobilenet_v2", "--format", output_format, "-o", str(target))
    assert target.read_text() == run("reconcile", "mobilenet_v2", "--format", output_format).stdout
