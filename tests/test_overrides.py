"""The override paths of `set:` and `--set`."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import network

import antcost
from antcost.errors import SpecError
from antcost.sources.specs.model import NetSpec


def groups(spec: NetSpec) -> dict[str, int]:
    return {s.name: s.fields()["groups"] for s in spec.stages if s.block == "ant"}


@pytest.mark.parametrize(
    ("path", "selected"),
    [
        ("ant4", {4}),
        ("ant[2-7]", {2, 3, 4, 5, 6, 7}),
        ("ant[1,3,5-6]", {1, 3, 5, 6}),
        ("ant*", {1, 2, 3, 4, 5, 6, 7}),
        ("ant2,ant[6-7]", {2, 6, 7}),
        ("*[6-7]", {6, 7}),
    ],
)
def test_a_path_selects_stages(path: str, selected: set[int]) -> None:
    spec = antcost.load("antnet_g1", [f"{path}.groups=2", "conv8.groups=1"])
    assert groups(spec) == {f"ant{i}": 2 if i in selected else 1 for i in range(1, 8)}


def test_a_star_passes_over_stages_without_the_field() -> None:
    spec = antcost.load("antnet_g1", ["*.kernel=5"])
    kernels = {s.name: s.fields().get("kernel") for s in spec.stages}
    assert kernels.pop("fc10") is None
    assert set(kernels.values()) == {5}


def test_values_are_yaml_and_later_ones_win() -> None:
    spec = antcost.load(
        "antnet_g1",
        ["ant2.reduction=null", "width=0.5", "input=[3, 192, 192]", "ant3.repeat=1", "width=0.75"],
    )
    assert spec.stages[2].fields()["reduction"] is None
    assert (spec.width, spec.input, spec.stages[3].repeat) == (0.75, (3, 192, 192), 1)


def test_the_resolution_is_that_of_the_input() -> None:
    assert antcost.load("antnet_g1", ["resolution=192"]).input == (3, 192, 192)
    with pytest.raises(SpecError, match=r"--set resolution=0: input\[1\]: expected at least 1"):
        antcost.load("antnet_g1", ["resolution=0"])
    with pytest.raises(SpecError, match=r"needs an input of \[channels, height, width\]"):
        antcost.load(network({"block": "linear", "channels": 8}, input_shape=[8]), ["resolution=9"])


def test_an_overridden_network_is_not_the_published_one() -> None:
    spec = antcost.load("antnet_g1", ["ant4.channels=72"])
    assert spec.published == ()
    assert spec.title == "ANTNet (g = 1) with ant4.channels=72"
    assert antcost.load("antnet_g1").published


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ant9.groups=2", "no stage is called 'ant9'; did you mean 'ant7'?"),
        ("ant*.grups=2", "no stage that 'ant*' matches has a field 'grups'"),
        ("wdith=2", "no such field; did you mean 'width'?"),
        ("stages=2", "no such field; expected one of classes, input, name, resolution, width"),
        ("ant2.groups", "expected PATH=VALUE such as ant4.channels=72"),
        ("ant[2-.groups=2", "expected STAGE.FIELD such as"),
        ("ant[7-2].groups=2", "[7-2] is no list of numbers"),
        ("ant[1-999999].groups=2", "[1-999999] is no list of numbers"),
        (".groups=2", "no such field"),
        ("ant2.groups=[1", "is not valid YAML"),
        ("ant2.groups=", "expected a value, such as 24, null or [1, 2]"),
        ("ant[2,44].groups=2", "no stage is called 'ant44'; did you mean 'ant4'?"),
        ("ant2.kernel=010", "010 is 8 in YAML 1.1; write 8"),
        ("ant2.groups=two", "stages[2].groups: expected an integer, got 'two'"),
        ("ant4.groups=3", "stages[4].groups: ant4.0.project.conv: groups=3 does not divide"),
    ],
)
def test_a_wrong_override_names_itself(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        antcost.analyze("antnet_g1", [text])
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"--set {text}: ")
    assert message in line


def test_a_child_inherits_all_but_the_published_figures(
    write_spec: Callable[..., Path],
) -> None:
    path = write_spec("extends: mobilenet_v2\nset: {'block*.kernel': 5}\n")
    child, parent = antcost.load(path), antcost.load("mobilenet_v2")
    assert (child.name, child.input, child.classes) == (parent.name, parent.input, parent.classes)
    assert child.published == ()
    assert [s.fields()["kernel"] for s in child.stages if s.block == "inverted_residual"] == [5] * 7


def test_set_of_a_child_comes_after_that_of_its_parent(write_spec: Callable[..., Path]) -> None:
    path = write_spec("extends: antnet_g2\nset: {ant3.groups: 4, 'ant[4-5].groups': 1}\n")
    assert list(groups(antcost.load(path)).values()) == [1, 2, 4, 1, 1, 2, 2]


def test_set_can_exchange_blocks() -> None:
    spec = antcost.load(
        network({"block": "conv", "kernel": 3, "channels": 8}), ["s0.block=separable"]
    )
    assert spec.stages[0].block == "separable"
