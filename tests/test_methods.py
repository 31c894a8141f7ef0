"""The methods paragraph: true of what is passed, and silent about what is not."""

from dataclasses import fields, replace
from typing import Any

import pytest
from clocks import CONDITIONS, recorded
from devices import known_device

from antcost.check.comparison import Check, compare
from antcost.check.isolation import Answer
from antcost.check.tools import TOOLS, ToolReport
from antcost.cost.convention import CONVENTIONS, Convention
from antcost.cost.counts import Cost
from antcost.cost.device import Errors
from antcost.document.methods import PARTS, methods
from antcost.measure.engines import Settings
from antcost.measure.recording import Subject
from antcost.sources.analyze import analyze
from antcost.sources.network import network_of
from antcost.sources.specs.catalog import shipped_names
from antcost.sources.specs.load import load
from antcost.version import __version__
from antcost.views.comparison import ComparedNetwork

pytest.importorskip("jinja2")

MADDS = CONVENTIONS["madds"]
IMAGENET = [name for name in shipped_names() if "/" not in name]


def entry(name: str, *overrides: str, training: bool = False) -> ComparedNetwork:
    spec = load(name, overrides)
    return ComparedNetwork(network_of(spec, name, training=training))


def paragraph(*entries: ComparedNetwork, convention: Convention = MADDS, **passed: Any) -> str:
    return " ".join(methods(entries=entries, convention=convention, **passed))


def explained(tool: str, version: str, name: str = "mobilenet_v2", off: int = 0) -> Check:
    """A check of a tool that reports what its convention predicts, and so much more."""
    cost = analyze(name)
    convention = CONVENTIONS[tool]
    counts = {row.name: convention.count(row.cost) for row in cost.layers}
    report = ToolReport(convention.count(cost.whole.cost) + off, cost.params, counts)
    return compare(cost, TOOLS[tool], Answer(version, report))


def failed(tool: str, version: str, name: str) -> Check:
    return compare(analyze(name), TOOLS[tool], Answer(version, None, "does not count it"))


def test_nothing_is_said_of_what_was_not_passed() -> None:
    text = paragraph(entry("cifar100/flattened"))
    for word in ("check", "Latency", "latency", "Published", "Auxiliary", "batch norm", "write"):
        assert word not in text


def test_every_sentence_is_a_line_that_ends() -> None:
    sentences = methods(
        entries=[*map(entry, IMAGENET)],
        convention=MADDS,
        checks=[explained("fvcore", "0.1.5.post20221221")],
        recording=recorded([[[[10.0], [20.0]]]] * 3),
        device=known_device(map(analyze, IMAGENET)),
    )
    for sentence in sentences:
        assert sentence.isprintable()
        assert sentence.endswith(".")
        assert not sentence.endswith("..")
        assert sentence[0].isupper()


def test_one_network_is_named() -> None:
    assert methods(entries=[entry("mobilenet_v2")], convention=MADDS)[0] == (
        f"The costs of MobileNetV2 were counted by antcost {__version__}, layer by layer, "
        "for one image (batch size 1) of 3x224x224."
    )


def test_inputs_of_one_size_are_said_once() -> None:
    text = paragraph(entry("mobilenet_v2"), entry("resnet_18"))
    assert "The costs of MobileNetV2 and ResNet-18" in text
    assert text.count("3x224x224") == 1


def test_inputs_of_several_sizes_are_said_once_the_most_common_first() -> None:
    text = methods(entries=[*map(entry, IMAGENET)], convention=MADDS)[0]
    assert text.endswith(
        f"of 3x224x224 ({len(IMAGENET) - 4} networks), 3x227x227 (AlexNet and SqueezeNext) and "
        "3x299x299 (Inception-v3 and Xception)."
    )


def test_names_with_commas_are_told_apart() -> None:
    small = entry("antnet_g1", "input=[3, 96, 96]", "classes=10")
    text = methods(entries=[small, entry("mobilenet_v2")], convention=MADDS)[0]
    assert text.endswith(
        "of 3x96x96 (ANTNet (g = 1) with input=[3, 96, 96], classes=10); and 3x224x224 "
        "(MobileNetV2)."
    )


@pytest.mark.parametrize("name", CONVENTIONS)
def test_the_convention_is_defined_and_what_it_leaves_out_is_listed(name: str) -> None:
    convention = CONVENTIONS[name]
    text = paragraph(entry("mobilenet_v2"), convention=convention)
    assert f"{convention.label}: {convention.definition}." in text
    sentence = next((part for part in text.split(". ") if part.startswith("No operations")), "")
    for part, counts in {
        "biases": Cost(conv_bias_elems=1, linear_bias_elems=1),
        "batch norm": Cost(norm_elems=1, norm_params=1),
        "activations": Cost(relu_elems=1, leaky_relu_elems=1),
        "pooling": Cost(global_pool_in_elems=1, global_pool_out_elems=1),
    }.items():
        assert (part in sentence) == (convention.count(counts) == 0)
    assert "products" not in sentence


def test_batch_norm_is_defined_where_there_is_some() -> None:
    definition = "the scales and shifts of batch norm, but not its running statistics"
    assert definition not in paragraph(entry("vgg_16"))
    assert definition in paragraph(entry("vgg_16"), entry("mobilenet_v2"))


def test_auxiliary_heads_are_left_out_unless_they_are_counted() -> None:
    text = paragraph(entry("googlenet", training=True), entry("inception_v3"), entry("vgg_16"))
    assert "are left out (Inception-v3)." in text
    assert "are counted, too (GoogLeNet)." in text


def test_published_figures_that_ours_do_not_round_to_are_named() -> None:
    text = paragraph(entry("mobilenet_v2"), entry("vgg_16"), entry("cifar100/flattened"))
    assert "Published parameters and MAdds of MobileNetV2 and VGG-16 are shown" in text
    assert "Our counts differ from them by more than rounding for MobileNetV2." in text
    for exact in (("vgg_16",), ("vgg_16", "resnet_18")):
        assert "Our counts match all of them after rounding." in paragraph(*map(entry, exact))


def test_published_figures_of_other_quantities_are_not_meant() -> None:
    spec = load("mobilenet_v2")
    accuracy = spec.published[0].model_copy(update={"params": None, "madds": None})
    only = ComparedNetwork(network_of(replace(spec, published=(accuracy,)), "mobilenet_v2"))
    assert "Published" not in paragraph(only)


def test_many_networks_are_counted_where_names_would_be_too_many() -> None:
    entries = [*map(entry, IMAGENET)]
    differing = sum("by more than rounding" in paragraph(each) for each in entries)
    printed = sum("Published" in paragraph(each) for each in entries)
    text = paragraph(*entries)
    assert f"MAdds of {printed} networks are shown" in text
    assert f"Our counts differ from them by more than rounding for {differing} networks." in text


def test_checks_name_tools_with_their_versions() -> None:
    checks = [
        explained("fvcore", "0.1.5.post20221221"),
        explained("fvcore", "0.1.5.post20221221", "vgg_16"),
        explained("torchinfo", "1.8.0"),
    ]
    text = paragraph(entry("mobilenet_v2"), checks=checks)
    assert (
        "As a check, fvcore 0.1.5.post20221221 and torchinfo 1.8.0 counted MobileNetV2 and VGG-16 "
        "in PyTorch"
    ) in text
    assert "The rules of each tool explain every number to the last operation." in text
    assert "other versions" not in text
    assert "did not produce" not in text


def test_what_is_not_explained_is_said() -> None:
    checks = [explained("fvcore", "0.1.5"), explained("torchinfo", "1.8.0", "vgg_16", off=1)]
    text = paragraph(entry("mobilenet_v2"), checks=checks)
    assert "explain every number to the last operation, except torchinfo 1.8.0 for VGG-16." in text


def test_tools_that_did_not_count_and_versions_that_are_not_known_are_said() -> None:
    checks = [explained("fvcore", "9.9"), failed("thop", "", "vgg_16")]
    text = paragraph(entry("mobilenet_v2"), checks=checks)
    assert "The rules used for fvcore 9.9 were made for other versions." in text
    assert "Tools that did not produce a number: thop for VGG-16." in text
    assert "explain every number" in text


def test_checks_without_any_number_check_nothing() -> None:
    text = paragraph(entry("vgg_16"), checks=[failed("thop", "0.1.0", "vgg_16")])
    assert "As a check" not in text
    assert "explain" not in text


def test_a_recording_says_how_and_where_it_was_measured() -> None:
    recording = recorded(
        [[[[10.0], [20.0]], [[11.0], [21.0]]]] * 12,
        engine="onnxruntime",
        settings=Settings(threads=2, batch=4, dtype="fp16", fold=False),
        conditions=replace(CONDITIONS, versions={"antcost": "0.9", "onnxruntime": "1.20"}),
    )
    text = paragraph(entry("mobilenet_v2"), recording=recording)
    assert (
        "Latency was measured with onnxruntime, fp16, batch norm kept, 2 threads, 4 images at "
        "once; antcost 0.9, onnxruntime 1.20."
    ) in text
    assert "A CPU (avx2), 4 CPUs, pinned to CPU 3, 2026-01-02T03:04:05+00:00." in text
    assert "24 rounds in 12 sessions, prepared anew for each session." in text
    assert "A speed-up is the time of Net A by that of the network" in text
    assert "Its 95 % interval is that of Student's t over sessions." in text


def test_networks_that_were_measured_are_named_unless_all_were() -> None:
    one, other = entry("mobilenet_v2"), entry("vgg_16")
    subject = Subject(one.title, "a.yaml", one.cost.madds, one.cost.params, 1)
    recording = recorded([[[[10.0]]]] * 12, subjects=(subject,))
    assert "Latency was measured with fake" in paragraph(one, recording=recording)
    text = paragraph(one, other, recording=recording)
    assert "Latency of MobileNetV2 was measured with fake" in text
    assert "In every round all measured networks ran" in text


def test_few_sessions_are_said() -> None:
    few = paragraph(entry("mobilenet_v2"), recording=recorded([[[[10.0], [20.0]]]] * 3))
    assert "Student's t over sessions, to be trusted from 10 on." in few
    enough = paragraph(entry("mobilenet_v2"), recording=recorded([[[[10.0], [20.0]]]] * 10))
    assert "Student's t over sessions." in enough
    one = paragraph(entry("mobilenet_v2"), recording=recorded([[[[10.0], [20.0]]]], fresh=False))
    assert "1 round in 1 session, prepared once." in one
    assert "A single session gives no interval." in one
    assert "Student" not in one


def test_a_network_alone_has_no_speed_up() -> None:
    text = paragraph(entry("mobilenet_v2"), recording=recorded([[[[10.0]]]] * 12))
    assert "median of all its runs" in text
    assert "speed-up" not in text


def test_disturbances_are_said() -> None:
    moving = replace(CONDITIONS, pinned_to=(), not_pinned="no permission")
    recording = recorded([[[[10.0], [20.0]]]] * 12, conditions=moving)
    assert "Not pinned to a CPU" in paragraph(entry("mobilenet_v2"), recording=recording)


def test_a_device_says_that_latencies_are_predicted_and_how_wrong_that_is() -> None:
    one = entry("mobilenet_v2")
    device = known_device([one.cost])
    text = paragraph(one, device=device)
    assert "Latency is predicted for Known, as the sum over the layers" in text
    assert "predictions are of unknown error." in text
    errors = Errors(networks=6, median=0.012, largest=0.034, within_10_percent=1.0)
    text = paragraph(one, device=replace(device, errors=errors))
    assert (
        "predictions are off by 1.2 % (median) and at most 3.4 % for 6 networks that it was tried "
        "on. Of this, extrapolated from other layers: MobileNetV2 100.0 %."
    ) in text


def test_names_of_users_are_left_to_the_writers_to_escape() -> None:
    name = r"<b>\x & $y$</b>"
    hostile = ComparedNetwork(network_of(replace(load("vgg_16"), name=name), "vgg_16"))
    text = methods(entries=[hostile], convention=MADDS)[0]
    assert text.startswith(f"The costs of {name} were counted")


def test_every_count_of_elements_belongs_to_a_part_that_is_named() -> None:
    """But for the outputs of convolutions, which are no part beside their multiply-adds."""
    named = [name for names in PARTS.values() for name in names if name.endswith("_elems")]
    assert sorted([*named, "conv_out_elems"]) == sorted(
        f.name for f in fields(Cost) if f.name.endswith("_elems")
    )
