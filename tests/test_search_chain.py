"""The tables of a search: what blocks make of many values at once is what they make of each."""

import random
from typing import Any

import numpy as np
import pytest
from search_spaces import every_network, random_base, space_of

import antcost
from antcost.cost.measures import measures
from antcost.errors import AntcostError
from antcost.graph.shape import Shape
from antcost.search.chain import TooManyStatesError, build_chain, completions, slices
from antcost.search.result import Candidate
from antcost.search.run import network_of
from antcost.search.space import Space
from antcost.search.transitions import StageChoices, stage_transitions
from antcost.search.vectorized import ArrayInt, DivergenceError, run_vectorized
from antcost.sources.specs.load import changed


def lanes(*values: int) -> Any:
    return np.array(values).view(ArrayInt)


def test_a_question_forks_where_lanes_differ() -> None:
    assert bool(lanes(2, 4) > 1)
    assert not bool(lanes(2, 4) > 5)
    with pytest.raises(DivergenceError) as caught:
        bool(lanes(2, 4) > 3)
    assert list(caught.value.mask) == [False, True]
    assert list(range(lanes(3, 3))) == [0, 1, 2]
    with pytest.raises(DivergenceError):
        range(lanes(3, 4))


def test_every_lane_is_answered_by_itself() -> None:
    def collatz(n: Any) -> Any:
        return n // 2 if n % 2 == 0 else 3 * n + 1

    numbers = np.arange(1, 30)
    made = {}
    for chosen, result in run_vectorized(collatz, {"n": numbers}, np.arange(len(numbers))):
        made |= dict(zip(numbers[chosen], np.broadcast_to(result, chosen.shape), strict=True))
    assert made == {n: collatz(int(n)) for n in numbers}


def test_lanes_that_cannot_be_built_are_left_out() -> None:
    spec = antcost.load("antnet_g1")
    stage = StageChoices(spec.stages[2], spec.stages[2].fields(), {"groups": (1, 5, 8, 7)}, {})
    arcs = stage_transitions(stage, [Shape((16, 8, 8))], list(measures().values()))
    assert sorted(stage.positions(arcs.option, "groups")) == [0, 2]


BLOCKS: list[tuple[str, dict[str, Any]]] = [
    ("ant", {"expansion": [1, 3, None], "channels": [8, 16], "groups": [1, 2], "kernel": [3, 5]}),
    ("ant", {"expansion": [2], "channels": [16], "reduction": [2, 4, None], "stride": [1, 2]}),
    ("e_ant", {"expansion": [2, 3], "channels": [8, 16], "groups": [[1, 2], [2]]}),
    ("inverted_residual", {"expansion": [1, 6], "channels": [8, 16], "kernel": [3, [1, 3]]}),
    ("mbconv", {"expansion": [1, 4], "channels": [8, 24], "reduction": [2, None]}),
    ("mobilenet_v3", {"hidden": [16, 24, None], "channels": [8, 16], "squeeze": [4, None]}),
    ("separable", {"channels": [8, 16, 24], "stride": [1, 2]}),
    ("basic_residual", {"channels": [8, 16], "stride": [1, 2]}),
    ("bottleneck_residual", {"channels": [32, 64], "groups": [1, 2]}),
    ("shuffle_v2", {"channels": [16, 24], "stride": [2]}),
    ("dense", {"growth": [4, 8]}),
    ("ghost", {"hidden": [16, 24], "channels": [8, 16]}),
    ("squeezenext", {"channels": [8, 16]}),
    ("conv", {"kernel": [1, 3], "channels": [8, 16], "padding": ["same", "valid"]}),
    ("conv_transpose", {"kernel": [2, 4], "channels": [8, 16], "stride": [1, 2]}),
]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block[0]} {'-'.join(block[1])}")
def test_networks_of_the_tables_are_those_of_the_blocks(block: tuple[str, dict[str, Any]]) -> None:
    """Each path of a chain costs what `analyze` says of its network, peak memory included."""
    name, fields = block
    first = {field: values[0] for field, values in fields.items()}
    stage = {"name": "b", "block": name, **first}
    base = {
        "name": "n",
        "input": [16, 12, 12],
        "classes": 4,
        "stages": [stage, {"name": "pool", "block": "avgpool"}, _linear()],
    }
    choices = {f"b.{field}": {"each": values} for field, values in fields.items()}
    space = space_of(base, choices={**choices, "b.repeat": {"each": [1, 2, 3]}})
    require_same_networks(space)


def test_rules_shared_choices_and_widths_leave_the_same_networks() -> None:
    space = space_of(
        random_base(random.Random(3), 3),
        choices={
            "a*.channels": {"each": [16, 24, 40]},
            "a[1-2].groups": {"shared": [1, 2]},
            "a3.reduction": {"each": [None, 4]},
            "width": {"each": [1.0, 0.5]},
            "resolution": {"each": [32, 40]},
        },
        rules={"a*.channels": "non-decreasing", "a[1-2].repeat": "spread <= 1"},
    )
    require_same_networks(space)


def require_same_networks(space: Space) -> None:
    networks = {repr(sorted(net.values.items())): net for net in every_network(space)}
    assert networks
    seen = 0
    for part in slices(space):
        chain = build_chain(space, part)
        for path in every_walk(chain):
            values = chain.values(path)
            net = networks[repr(sorted(values.items()))]
            for measure in space.measures.values():
                arcs = [
                    int(step.arcs.counts[measure.name][step.arc[edge]])
                    for step, edge in zip(chain.steps, path, strict=True)
                ]
                count = max(arcs) if measure.largest else sum(arcs)
                assert count == measure.of(net.cost), (measure.name, values)
            seen += 1
        assert chain.size() == completions(chain)[0][0]
    assert seen == len(networks)


def every_walk(chain: Any, step: int = 0, node: int = 0) -> Any:
    if step == len(chain.steps):
        yield ()
        return
    for edge in np.flatnonzero(chain.steps[step].source == node):
        for rest in every_walk(chain, step + 1, int(chain.steps[step].target[edge])):
            yield (int(edge), *rest)


def _linear() -> dict[str, Any]:
    return {"name": "fc", "block": "linear", "channels": "classes"}


def test_a_stage_that_reads_further_back_is_refused() -> None:
    space = space_of("darts_v2", choices={"resolution": {"each": [224]}})
    with pytest.raises(AntcostError, match="a search needs stages that follow each other"):
        build_chain(space, next(slices(space)))


def test_too_many_arcs_and_too_large_counts_are_refused() -> None:
    fields = ("channels", "groups", "expansion")
    many = {f"ant4.{field}": {"each": list(range(1, 250))} for field in fields}
    space = space_of("antnet_g1", choices=many)
    with pytest.raises(AntcostError, match=r"ant4: .* combinations in one stage; leave some"):
        build_chain(space, next(slices(space)))
    space = space_of(
        "antnet_g1",
        choices={"ant4.channels": {"each": [1_000_000]}, "resolution": {"each": [9000]}},
    )
    with pytest.raises(AntcostError, match="more multiply-adds than a search can count exactly"):
        build_chain(space, next(slices(space)))


def test_rules_that_remember_too_much_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    space = space_of("antnet_g1", choices={"ant*.groups": {"shared": [1, 2, 4]}})
    monkeypatch.setattr("antcost.search.chain.MAX_TRANSITIONS", 2)
    with pytest.raises(TooManyStatesError):
        build_chain(space, next(slices(space)))


def test_a_network_is_set_on_its_base() -> None:
    space = space_of("antnet_g1", choices={"ant2.groups": {"each": [1, 2]}})
    spec = changed(space.base, [("ant2.groups", 2, "")])
    cost = antcost.analyze(spec)
    counts = {name: int(measure.of(cost)) for name, measure in space.measures.items()}
    assert network_of(space, Candidate({"ant2.groups": 2}, counts, 0.0)) == spec
    with pytest.raises(AssertionError):
        network_of(space, Candidate({"ant2.groups": 1}, counts, 0.0))
