"""What scripts and notebooks call."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT, network
from hatchling.builders.wheel import WheelBuilder

import antcost
from antcost.cost.analysis import Row


def test_analyze_takes_a_name_a_file_a_mapping_a_spec_and_a_graph() -> None:
    spec = antcost.load("mobilenet_v2")
    path = ROOT / "specs" / "mobilenet_v2.yaml"
    for source in ("mobilenet_v2", path, str(path), spec, antcost.build_graph(spec)):
        assert antcost.analyze(source).madds == 300_774_272
    assert antcost.analyze(network({"block": "linear", "channels": 5})).madds == 3 * 32 * 32 * 5


def test_analyze_takes_overrides() -> None:
    cost = antcost.analyze("antnet_g1", ["ant[2-7].groups=2"])
    assert cost.params == antcost.analyze("antnet_g2").params


def test_a_mapping_is_not_changed_and_its_errors_have_paths() -> None:
    spec = network({"block": "linear", "channels": 0})
    before = repr(spec)
    with pytest.raises(antcost.AntcostError, match=r"^stages\[0\].channels: expected at least 1"):
        antcost.analyze(spec)
    antcost.analyze(spec, ["s0.channels=3", "classes=7"])
    assert repr(spec) == before


def test_overrides_need_a_network_that_is_still_to_be_loaded() -> None:
    spec = antcost.load("antnet_g1")
    for network_ in (spec, antcost.build_graph(spec)):
        with pytest.raises(TypeError, match="still to be loaded"):
            antcost.analyze(network_, ["width=0.5"])
    assert antcost.analyze("antnet_g1", "width=0.5").params < antcost.analyze(spec).params


def test_a_mapping_may_hold_tuples() -> None:
    stages = ({"name": "a", "block": "conv", "kernel": (1, 3), "channels": 8},)
    spec = {"name": "n", "input": (3, 8, 8), "classes": 2, "stages": stages}
    assert antcost.analyze(spec).madds == 3 * 3 * 8 * 64


def test_a_mapping_is_blamed_for_its_own_set() -> None:
    with pytest.raises(antcost.AntcostError) as caught:
        antcost.load({"extends": "antnet_g2", "set": {"ant2.groups": "x"}})
    assert str(caught.value) == "stages[2].groups: expected an integer, got 'x'"


def test_rows_are_dataclasses() -> None:
    row = antcost.analyze("mobilenet_v2").by("stage")[0]
    assert isinstance(row, Row)
    assert (row.name, row.operator, row.params, row.madds) == ("conv0", "conv", 928, 10_838_016)
    assert (row.input.dims, row.output.dims) == ((3, 224, 224), (32, 112, 112))


def test_to_frame_keeps_exact_integers() -> None:
    frame = antcost.analyze("mobilenet_v2").to_frame()
    assert len(frame) == 152
    assert frame["params"].sum() == 3_504_872
    assert frame["madds"].sum() == 300_774_272
    assert str(frame["madds"].dtype) == "int64"
    assert list(frame.columns[:4]) == ["name", "operator", "input", "output"]
    assert len(antcost.analyze("mobilenet_v2").to_frame(by="stage")) == 11


def test_a_notebook_shows_a_table_with_escaped_names() -> None:
    html = antcost.analyze("mobilenet_v2", ["name=<script>"])._repr_html_()
    assert "3,504,872" in html
    assert "300,774,272" in html
    assert "<script>" not in html
    assert html.count("<tr>") == 1 + 11 + 1


def test_unknown_names_of_the_package_are_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'anlyze'"):
        antcost.anlyze  # noqa: B018 (the access is the test)


def test_specs_ship_inside_the_wheel(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path / "dist"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
        assert "antcost/reports/table8.json" in archive.namelist()
    code = "import antcost; print(antcost.__file__, antcost.analyze('cifar100/antnet_g2').params)"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == f"{tmp_path}/site/antcost/__init__.py 2187428\n"
