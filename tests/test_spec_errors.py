"""Everything a user can get wrong in a spec: one line each, with file, line, path and remedy."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import antcost
from antcost.errors import SpecError
from antcost.sources.specs.stages import STAGE_MODELS

HEAD = "name: net\ninput: [3, 32, 32]\nclasses: 10\n"
Write = Callable[..., Path]


def problems(path: Path) -> list[str]:
    with pytest.raises(SpecError) as caught:
        antcost.analyze(path)
    return str(caught.value).replace(f"{path.parent}/", "").splitlines()


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("{name: a, block: conv, kernel: 3, chanels: 8, channels: 8}",
         "stages[0].chanels: unknown field; did you mean 'channels'?"),
        ("{name: a, block: cnv}", "stages[0].block: unknown block 'cnv'; did you mean 'conv'?"),
        ("{name: a}",
         f"stages[0].block: missing; expected one of {', '.join(sorted(STAGE_MODELS))}"),
        ("{name: a, block: linear}",
         "stages[0].channels: missing; needed are name, block, channels"),
        ("{name: a, block: linear, channels: two}",
         "stages[0].channels: expected an integer, got 'two'"),
        ("{name: a, block: linear, channels: 8.0}",
         "stages[0].channels: expected an integer, got 8.0"),
        ("{name: a, block: linear, channels: yes}",
         "stages[0].channels: expected an integer, got True"),
        ("{name: a, block: linear, channels: 0}",
         "stages[0].channels: expected at least 1, got 0"),
        ("{name: a, block: linear, channels: 8, repeat: 1000000000}",
         "stages[0].repeat: expected at most 1000, got 1000000000"),
        ("{name: a, block: linear, channels: 99999999999}",
         "stages[0].channels: expected at most 1048576, got 99999999999"),
        ("{name: a, block: linear, channels: 8, dropout: .nan}",
         "stages[0].dropout: expected less than 1.0, got nan"),
        ("{name: a, block: linear, channels: 8, bias: 1}",
         "stages[0].bias: expected true or false, got 1"),
        ("{name: a, block: conv, kernel: [3], channels: 8}",
         "stages[0].kernel: expected an integer from 1 to 64 or [height, width], got [3]"),
        ("{name: a, block: conv, kernel: 65, channels: 8}",
         "stages[0].kernel: expected an integer from 1 to 64 or [height, width], got 65"),
        ("{name: a, block: conv, kernel: 3, channels: 8, padding: full}",
         "stages[0].padding: expected an integer from 0 to 64, [height, width], same or valid, "
         "got 'full'"),
        ("{name: a, block: conv, kernel: 3, channels: 8, activation: swish}",
         "stages[0].activation: expected 'relu', 'relu6', 'leaky_relu', 'elu', 'gelu', 'silu', "
         "'mish', 'tanh', 'sigmoid', 'hardsigmoid' or 'hardswish', got 'swish'"),
        ("{name: a.b, block: avgpool}",
         "stages[0].name: expected letters, digits, - and _ (at most 64), got 'a.b'"),
        ("7", "stages[0]: expected fields such as {name: ...}, got 7"),
        # shapes
        ("{name: a, block: conv, kernel: 3, channels: 8, groups: 3}",
         "stages[0].groups: a.conv: groups=3 does not divide 3 -> 8 channels; use 1"),
        ("{name: a, block: conv, kernel: 33, channels: 8, padding: valid}",
         "stages[0].kernel: a.conv: a window of 33 is larger than its map of 32; use at most 32, "
         "or padding: same"),
        ("{name: a, block: ant, expansion: 1, reduction: 4, channels: 8}",
         "stages[0].reduction: reduction=4 leaves none of 3 channels"),
    ],
)  # fmt: skip
def test_a_wrong_stage(write_spec: Write, stage: str, expected: str) -> None:
    path = write_spec(f"{HEAD}stages:\n  - {stage}\n")
    assert problems(path) == [f"net.yaml:5: {expected}"]


POOL = "stages:\n  - {name: a, block: avgpool}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["net.yaml:1: is empty; expected a spec with name, input, classes and stages"]),
        ("#", ["net.yaml:1: is empty; expected a spec with name, input, classes and stages"]),
        ("- 1\n", ["net.yaml:1: expected a spec with name, input, ... fields"]),
        ("name: [1\n", ["net.yaml:2: is not valid YAML: did not find expected ',' or ']'"]),
        ("name: a\nname: b\n", ["net.yaml:2: has the key 'name' twice; keep one"]),
        ("? [1, 2]\n: 3\n", ["net.yaml:1: has a key that is not text; expected a name"]),
        ("a: 1\n<<: {b: 2}\n",
         ["net.yaml:2: merge keys (<<) are not read; use extends or set"]),
        ("name: !!python/object/apply:os.system ['true']\n",
         ["net.yaml:1: has the tag tag:yaml.org,2002:python/object/apply:os.system; "
          "expected plain values"]),
        ("name: !!python/name:os.system\n",
         ["net.yaml:1: '' cannot be read: could not determine a constructor for the tag "
          "'tag:yaml.org,2002:python/name:os.system'"]),
        ("a: 2001-99-99\n", ["net.yaml:1: '2001-99-99' cannot be read: month must be in 1..12"]),
        ("a: !!bool maybe\n", ["net.yaml:1: 'maybe' cannot be read: 'maybe'"]),
        ("a: !!int ''\n", ["net.yaml:1: '' cannot be read: string index out of range"]),
        ("a: !!timestamp foo\n", ["net.yaml:1: 'foo' cannot be read"]),
        (f"a: 0x{'f' * 99}\n", [f"net.yaml:1: '0x{'f' * 57} is too large a number"]),
        (HEAD + POOL + "width: 1e-1\n",
         ["net.yaml:6: width: expected a number, got '1e-1' (text in YAML 1.1; write 0.1)"]),
        (HEAD.replace("10", "08") + POOL,
         ["net.yaml:3: classes: expected an integer, got '08' (text in YAML 1.1; write 8)"]),
        ("a: 1:30\n", ["net.yaml:1: 1:30 is 90 in YAML 1.1; write 90"]),
        ("name: \"\\e[2J\"\ninput: [3, 32, 32]\nclasses: 10\n" + POOL,
         ["net.yaml:1: name: expected one line of printable text, got '\\x1b[2J'"]),
        (HEAD + POOL + '"\\e[31mred": 1\n',
         ["net.yaml:6: ?[31mred: unknown field; expected one of ambiguous, auxiliary, "
          "classes, extends, input, name, published, set, stages, width"]),
        (HEAD + POOL + "widht: 0.5\n", ["net.yaml:6: widht: unknown field; did you mean 'width'?"]),
        (HEAD + POOL + "width: 0\n", ["net.yaml:6: width: expected more than 0.0, got 0"]),
        (HEAD + POOL + "width: .inf\n", ["net.yaml:6: width: expected a number, got inf"]),
        (HEAD + "stages: []\n", ["net.yaml:4: stages: expected at least 1 of them, got []"]),
        (HEAD + "stages: {a: 1}\n", ["net.yaml:4: stages: expected a list, got {'a': 1}"]),
        (HEAD + "stages:\n  - {name: a, block: avgpool}\n  - {name: a, block: avgpool}\n",
         ["net.yaml:6: stages[1].name: 'a' is also the name of stages[0]; names must differ"]),
        (HEAD + POOL + "published:\n  - {source: us, params: 3.4 Mio, top1: 120, parms: 3}\n", [
            "net.yaml:7: published[0].params: expected a number with one of the units "
            "k, K, M, G, B, T, got '3.4 Mio'",
            "net.yaml:7: published[0].top1: expected at most 100.0, got 120",
            "net.yaml:7: published[0].parms: unknown field; did you mean 'params'?",
        ]),
        (HEAD.replace("32, 32", "32, 0") + POOL,
         ["net.yaml:2: input[2]: expected at least 1, got 0"]),
        (HEAD.replace("32, 32", "99999, 32") + POOL,
         ["net.yaml:2: input[1]: expected at most 65536, got 99999"]),
        ("extends: antnet_g3\n",
         ["net.yaml:1: extends: antnet_g3: no such file and no such network; "
          "did you mean 'antnet_g2'?"]),
        ("extends: other.yaml\n", ["net.yaml:1: extends: no such file: other.yaml"]),
        ("extends: 3\n", ["net.yaml:1: extends: expected the name or file of a spec, got 3"]),
        ("extends: net.yaml\n",
         ["net.yaml:1: extends: expected no cycle, got net.yaml -> net.yaml"]),
        ("extends: antnet_g1\nset: [1]\n",
         ["net.yaml:2: set: expected at most 200 lines PATH: VALUE"]),
        ("extends: antnet_g1\nset: false\n",
         ["net.yaml:2: set: expected at most 200 lines PATH: VALUE"]),
        ("extends: antnet_g1\nset:\n  ant9.groups: 2\n  ant2.grps: 2\n  ant3.groups: x\n", [
            "net.yaml:3: set: ant9.groups: no stage is called 'ant9'; did you mean 'ant7'?",
            "net.yaml:4: stages[2].grps: unknown field; did you mean 'groups'?",
            "net.yaml:5: stages[3].groups: expected an integer, got 'x'",
        ]),
    ],
)  # fmt: skip
def test_a_wrong_file(write_spec: Write, text: str, expected: list[str]) -> None:
    assert problems(write_spec(text)) == expected


def test_all_errors_of_a_file_come_at_once(write_spec: Write) -> None:
    text = "input: [3, x, 32]\nclasses: 10\nwdith: 2\nstages:\n  - {name: a, block: cov}\n  - 7\n"
    assert problems(write_spec(text)) == [
        "net.yaml:1: name: missing; needed are name, input, classes, stages",
        "net.yaml:1: input[1]: expected an integer, got 'x'",
        "net.yaml:3: wdith: unknown field; did you mean 'width'?",
        "net.yaml:5: stages[0].block: unknown block 'cov'; did you mean 'conv'?",
        "net.yaml:6: stages[1]: expected fields such as {name: ...}, got 7",
    ]


def test_an_inherited_error_is_found_where_it_was_written(write_spec: Write) -> None:
    write_spec(
        f"{HEAD}stages:\n  - {{name: a, block: conv, kernel: 0, channels: 8}}\n", "base.yaml"
    )
    child = write_spec("extends: base.yaml\nname: child\nclasses: none\n")
    assert problems(child) == [
        "net.yaml:3: classes: expected an integer, got 'none'",
        "base.yaml:5: stages[0].kernel: expected an integer from 1 to 64 or [height, width], got 0",
    ]


def test_a_child_that_replaces_the_stages_is_blamed_for_them(write_spec: Write) -> None:
    row = "{name: a, block: conv, kernel: 1, channels: 8}"
    write_spec(f"{HEAD}stages:\n  - {row}\n", "base.yaml")
    child = write_spec("extends: base.yaml\n\n\n\n\n\nstages:\n  - {name: b, block: conv}\n")
    assert problems(child) == [
        "net.yaml:8: stages[0].kernel: missing; needed are name, block, kernel, channels",
        "net.yaml:8: stages[0].channels: missing; needed are name, block, kernel, channels",
    ]


def test_a_field_that_was_a_list_forgets_where_its_parts_were(write_spec: Write) -> None:
    write_spec(
        f"{HEAD}stages:\n"
        "  - name: a\n    block: conv\n    channels: 8\n    kernel: [1,\n      3]\n",
        "base.yaml",
    )
    child = write_spec("extends: base.yaml\nset: {a.kernel: [1, 0]}\n")
    (line,) = problems(child)
    assert line.startswith("net.yaml:2: stages[0].kernel: expected an integer from 1 to 64 or [he")


def test_a_byte_order_mark_is_no_part_of_the_text(write_spec: Write) -> None:
    path = write_spec(f"\ufeff{HEAD}{POOL}")
    assert antcost.load(path).name == "net"


def test_links_in_a_circle_and_pipes_are_refused(tmp_path: Path, write_spec: Write) -> None:
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    assert problems(tmp_path / "pipe.yaml") == [
        "pipe.yaml: is not a regular file; expected a YAML file"
    ]
    assert len(problems(tmp_path / "loop.yaml")) == 1
    for name in ("loop.yaml", "pipe.yaml", "x" * 300):
        (line,) = problems(write_spec(f"extends: {name}\n"))
        assert line.startswith("net.yaml:1: extends: ")


def test_a_longer_cycle(write_spec: Write) -> None:
    write_spec("extends: net.yaml\n", "other.yaml")
    assert problems(write_spec("extends: other.yaml\n")) == [
        "other.yaml:1: extends: expected no cycle, got net.yaml -> other.yaml -> net.yaml"
    ]


def test_endless_extends(write_spec: Write) -> None:
    for i in range(20):
        write_spec(f"extends: net{i + 1}.yaml\n", f"net{i}.yaml")
    assert problems(write_spec("extends: net0.yaml\n")) == [
        "net15.yaml:1: extends: more than 16 specs extend one another"
    ]


BOMB = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "grows too large when its aliases are expanded"),
        ("a: &a [*a]\n", "grows too large when its aliases are expanded"),
        ("[" * 100_000, "nest"),  # too deeply; PyYAML has a limit of its own from 6.0.4 on
        ("a: " * 30 + "1\n", "is not valid YAML"),
        ("- 1\n" * 30_000, "is too large to be a spec"),
        ("a: " + "9" * 5000, "is too large a number"),
        ("x" * 300_000, "is larger than 256 KiB"),
    ],
    ids=["aliases", "self", "nested", "mappings", "long", "digits", "big"],
)
def test_a_hostile_file_is_refused_in_one_line(write_spec: Write, text: str, message: str) -> None:
    (line,) = problems(write_spec(text))
    assert message in line


def test_other_things_than_text_files(tmp_path: Path) -> None:
    folder, latin, missing = (tmp_path / f"{name}.yaml" for name in ("folder", "latin", "missing"))
    folder.mkdir()
    latin.write_bytes(b"name: caf\xe9\n")
    assert problems(folder) == ["folder.yaml: is a directory; expected a YAML file"]
    assert problems(latin) == ["latin.yaml: is not UTF-8 text (byte 9); save it as UTF-8"]
    assert problems(missing) == ["missing.yaml: no such file"]


def test_of_too_many_stages_only_their_number_is_said(write_spec: Write) -> None:
    rows = "".join(f"  - {{name: a{i}, block: avgpool}}\n" for i in range(1002))
    assert problems(write_spec(f"{HEAD}stages:\n{rows}")) == [
        "net.yaml:4: stages: expected at most 1000 of them, got 1002"
    ]


def test_too_many_layers(write_spec: Write) -> None:
    rows = "".join(
        f"  - {{name: a{i}, block: conv, kernel: 1, channels: 8, repeat: 1000}}\n" for i in range(9)
    )
    assert problems(write_spec(f"{HEAD}stages:\n{rows}")) == [
        "net.yaml:11: stages[6].repeat: the network has more than 20,000 layers"
    ]
