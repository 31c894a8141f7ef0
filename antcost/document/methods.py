"""The methods paragraph of a report: how everything in it was counted, checked and measured."""

from collections.abc import Iterator, Sequence

from antcost.check.comparison import Check
from antcost.cost.convention import Convention
from antcost.cost.device import Device
from antcost.measure.recording import Recording
from antcost.measure.statistics import LEAST_SESSIONS, LEVEL, by_session
from antcost.units import plural
from antcost.version import __version__
from antcost.views.comparison import FIGURES, Entry
from antcost.views.entry_latencies import baseline_of, recorded_entries
from antcost.views.measurement_notes import disturbances, how, where
from antcost.views.predictions import guesses, prediction_errors

NAMED, MOST_NAMED = 3, 10
"""So many networks are named where their number would do, too, and where names matter."""

PARTS = {
    "biases": ("conv_bias_elems", "linear_bias_elems"),
    "batch norm": ("norm_elems", "norm_params"),
    "activations": (
        "relu_elems", "relu6_elems", "leaky_relu_elems", "elu_elems", "gelu_elems", "silu_elems",
    ),
    "pooling": (
        "max_pool_in_elems", "avg_pool_in_elems", "avg_pool_out_elems", "avg_pool_window_elems",
        "global_pool_in_elems", "global_pool_out_elems", "pool_padding_elems",
    ),
    "element-wise products": ("multiply_elems",),
}  # fmt: skip
"""What conventions count beside multiply-adds: the counts of each part of a network."""


def methods(
    *,
    entries: Sequence[Entry],
    convention: Convention,
    checks: Sequence[Check] = (),
    recording: Recording | None = None,
    device: Device | None = None,
    inplace: bool = False,
) -> tuple[str, ...]:
    """Plain sentences that are true of these networks and of what else is passed.

    `entries` are one network or more. Raises AntcostError for a network with a kind of layer that
    the device file does not know.
    """
    return (
        *_counting(entries, convention),
        *_parameters(entries),
        *_memory(inplace),
        *_auxiliary(entries),
        *_published(entries),
        *_checking(checks),
        *(_measuring(entries, recording) if recording else ()),
        *(_predicting(entries, device) if device else ()),
    )


def _counting(entries: Sequence[Entry], convention: Convention) -> Iterator[str]:
    subject, whose = (
        (entries[0].title, "its")
        if len(entries) == 1
        else (plural(len(entries), "network"), "their")
    )
    yield (
        f"The costs of {subject} were counted by antcost {__version__} from {whose} layers, for "
        f"one image (batch size 1) {_inputs(entries)}."
    )
    yield f"Operations are counted by the convention {convention.label}: {convention.definition}."
    free = _free(entries, convention)
    if free:
        yield f"No operations are counted for {_listed(free)}."


def _inputs(entries: Sequence[Entry]) -> str:
    """Every size of an input once, the most common one first."""
    titles: dict[str, list[str]] = {}
    for entry in entries:
        titles.setdefault(str(entry.cost.graph.input), []).append(entry.title)
    if len(titles) == 1:
        return f"of {next(iter(titles))}"
    ordered = sorted(titles.items(), key=lambda item: -len(item[1]))
    return "of " + _listed([f"{size} ({_named(each, 'network')})" for size, each in ordered])


def _free(entries: Sequence[Entry], convention: Convention) -> list[str]:
    """The parts that the networks have, and of which the convention counts nothing at all."""
    counted = {name for term in convention.terms for name in term.counts}
    return [
        part
        for part, names in PARTS.items()
        if not counted & {*names} and any(_has(entry, name) for entry in entries for name in names)
    ]


def _has(entry: Entry, count: str) -> bool:
    return bool(getattr(entry.cost.whole.cost, count))


def _parameters(entries: Sequence[Entry]) -> Iterator[str]:
    if any(_has(entry, "norm_params") for entry in entries):
        yield (
            "Parameters are all learned values: weights, biases, and the scales and shifts of "
            "batch norm, but not its running statistics."
        )
    else:
        yield "Parameters are all learned values: weights and biases."


def _memory(inplace: bool) -> Iterator[str]:
    yield "Activations are the output elements of all layers."
    yield (
        "Peak memory is the largest sum of tensors alive at once in a forward pass in fp32, layer "
        "after layer and without parameters; a tensor is alive from the layer that makes it to the "
        "last that reads it."
    )
    if inplace:
        yield "Activation functions and additions write over an input that nothing reads later."


def _auxiliary(entries: Sequence[Entry]) -> Iterator[str]:
    with_heads = [entry for entry in entries if entry.network.has_auxiliary_heads]
    counted = [entry.title for entry in with_heads if entry.cost.auxiliary.nodes]
    left_out = [entry.title for entry in with_heads if not entry.cost.auxiliary.nodes]
    for names, done in ((left_out, "left out"), (counted, "counted, too")):
        if names:
            yield f"Auxiliary heads, which only training has, are {done} ({_listed(names)})."


def _published(entries: Sequence[Entry]) -> Iterator[str]:
    printed = [entry for entry in entries if any(map(entry.source, FIGURES))]
    differing = [entry.title for entry in printed if not _rounds(entry)]
    if printed:
        networks = _named([entry.title for entry in printed], "network")
        yield f"Published parameters and MAdds of {networks} are shown as printed, beside ours."
        if not differing:
            yield "Ours round to all of them."
        elif len(printed) == 1:
            yield "Ours differ from them by more than rounding."
        else:
            names = _named(differing, "network", MOST_NAMED)
            yield f"Ours differ from them by more than rounding for {names}."


def _rounds(entry: Entry) -> bool:
    """Whether our counts round to the first published figure of each kind."""
    pairs = ((entry.published(field), getattr(entry.cost, field)) for field in FIGURES)
    return all(figure is None or figure.rounds(ours) for figure, ours in pairs)


def _checking(checks: Sequence[Check]) -> Iterator[str]:
    counted = [check for check in checks if check.whole]
    if counted:
        tools = _listed(list(dict.fromkeys(map(_tool, counted))))
        networks = list(dict.fromkeys(check.cost.graph.name for check in counted))
        form = "a PyTorch module" if len(networks) == 1 else "PyTorch modules"
        yield (
            f"As a check, {tools} counted {_named(networks, 'network')} as {form} in eval mode "
            "made from the same layers."
        )
        yield _verdict(counted)
    unknown = list(dict.fromkeys(_tool(check) for check in counted if not check.known))
    if unknown:
        yield f"The rules used for {_listed(unknown)} were made for other versions."
    failed = [check for check in checks if not check.whole]
    if failed:
        yield f"No number could be had from {_pairs(failed)}."


def _verdict(counted: Sequence[Check]) -> str:
    """How many numbers are explained, and which are not."""
    wrong = [check for check in counted if not check.agrees]
    explained = "explained to the last operation by the rules of"
    if wrong:
        right = f"{len(counted) - len(wrong)} of {plural(len(counted), 'number')}"
        return f"{right} are {explained} each tool; not {_pairs(wrong)}."
    if len(counted) == 1:
        return f"Its number is {explained} the tool."
    return f"All {len(counted)} numbers are {explained} each tool."


def _tool(check: Check) -> str:
    """The tool with its version, which is not known of one that is not there."""
    return f"{check.tool.name} {check.version}".rstrip()


def _pairs(checks: Sequence[Check]) -> str:
    pairs = [f"{_tool(check)} for {check.cost.graph.name}" for check in checks]
    return _named(pairs, "pair of tool and network", MOST_NAMED)


def _measuring(entries: Sequence[Entry], recording: Recording) -> Iterator[str]:
    base = baseline_of(entries, recording)
    timed, _ = recorded_entries(entries, recording)
    measured = [entry.title for entry in timed if entry.latency_ps is not None]
    of = f" of {_named(measured, 'network')}" if 0 < len(measured) < len(entries) else ""
    sessions = len(by_session(recording.visits))
    rounds = len({(visit.session, visit.round) for visit in recording.visits})
    prepared = "prepared anew for each session" if recording.fresh else "prepared once"
    yield f"Latency{of} was measured with {how(recording)}"
    yield f"Machine and time: {where(recording)}."
    yield (
        f"In every round all measured networks ran in random order: {plural(rounds, 'round')} in "
        f"{plural(sessions, 'session')}, {prepared}."
    )
    yield "The latency of a network is the median of all its runs."
    if len(recording.shown) > 1:
        yield (
            f"A speed-up is the time of {recording.labels[base]} by that of the "
            "network in the same round: its median over the rounds of a session, and the geometric "
            f"mean of sessions. {_interval(sessions)}"
        )
    yield from disturbances(recording)


def _interval(sessions: int) -> str:
    if sessions == 1:
        return "A single session gives no interval."
    trust = f", to be trusted from {LEAST_SESSIONS} on" if sessions < LEAST_SESSIONS else ""
    return f"Its {100 * LEVEL:g} % interval is that of Student's t over sessions{trust}."


def _predicting(entries: Sequence[Entry], device: Device) -> Iterator[str]:
    yield (
        f"Latency is predicted for {device.name}, as the sum over the layers; predictions are "
        f"{prediction_errors(device)}."
    )
    yield from guesses({entry.title: device.predict(entry.cost) for entry in entries})


def _named(texts: Sequence[str], what: str, most: int = NAMED) -> str:
    """The texts, or how many there are."""
    return _listed(texts) if len(texts) <= most else plural(len(texts), what)


def _listed(texts: Sequence[str]) -> str:
    """A; A and B; A, B and C; with semicolons between those that have commas."""
    *others, last = texts
    if not others:
        return last
    if any("," in text for text in texts):
        return f"{'; '.join(others)}; and {last}"
    return f"{', '.join(others)} and {last}"
