"""Whatever a search file holds, it is a space or refused with one line a problem."""

import contextlib
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from search_spaces import space_of

from antcost.errors import AntcostError
from antcost.search.run import run_search

BASE = {
    "name": "base",
    "input": [3, 16, 16],
    "classes": 4,
    "stages": [
        {"name": "a1", "block": "ant", "expansion": 2, "channels": 8},
        {"name": "a2", "block": "ant", "expansion": 2, "channels": 16, "stride": 2},
        {"name": "pool", "block": "avgpool"},
        {"name": "fc", "block": "linear", "channels": "classes"},
    ],
}
scalars = st.one_of(
    st.integers(-3, 40), st.none(), st.booleans(), st.floats(allow_nan=True), st.text(max_size=5)
)
junk = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
integers = st.lists(st.integers(1, 24), min_size=1, max_size=3)
values = st.one_of(
    integers.map(lambda v: {"each": v}),
    integers.map(lambda v: {"shared": v}),
    st.lists(st.sampled_from([0.5, 1, 1.5]), min_size=1).map(lambda v: {"scale": v}),
    st.just({"each": [None, 4]}),
    st.lists(scalars, max_size=3).map(lambda v: {"each": v}),
    junk,
)
paths = st.sampled_from(
    ["a1.channels", "a*.channels", "a*.groups", "a2.kernel", "a1.reduction", "a2.repeat", "width",
     "resolution", "classes", "input", "a2.stride", "a1.attention", "pool.kernel", "a*.block",
     "name", "fc.channels", "a2.padding", "stages", "a[1-2].expansion"]
)  # fmt: skip
bounds = st.sampled_from(["<= 1M", "2k", ">= 10", "<= 64KiB", "<= 1.0", "1 apple", "<=", "<= -1"])
fields = st.fixed_dictionaries(
    {"choices": st.dictionaries(paths, values, max_size=3) | junk},
    optional={
        "budget": st.dictionaries(
            st.sampled_from(["madds", "params", "size", "peak_memory", "rho", "latency", "x"]),
            bounds | st.lists(bounds, max_size=2) | junk,
            max_size=3,
        )
        | junk,
        "objective": st.sampled_from(
            ["entropy", "zen", "min madds", "max params", "min peak_memory", "scores", "max",
             {"maximize": {"zen": 1.0, "madds": -1e-6}}, {"minimize": "params"},
             {"maximize": "entropy", "alphas": [1.0, 2.0]}, {"maximize": {}}]
        )
        | junk,
        "rules": st.dictionaries(
            paths, st.sampled_from(["equal", "non-decreasing", "spread <= 1", "odd"]) | junk,
            max_size=2,
        )
        | junk,
        "dtype": st.sampled_from(["fp32", "int8", "fp64"]),
    },
)  # fmt: skip


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example({"choices": {"a2.stride": {"each": [2, 3, 4]}}})
@given(fields)
def test_any_search_file_is_searched_or_refused(given_fields: dict[str, Any]) -> None:
    with contextlib.suppress(AntcostError):
        space = space_of(BASE, **{"objective": "zen", **given_fields})
        report = run_search(space, limit_s=20)
        assert report.proven or report.interrupted
        if report.best is not None:
            for bound in space.bounds:
                assert bound.allows(report.best.counts[bound.measure.name])


@settings(max_examples=100, deadline=None)
@given(fields)
def test_every_line_of_an_error_says_something(given_fields: dict[str, Any]) -> None:
    try:
        space_of(BASE, **given_fields)
    except AntcostError as error:
        for line in str(error).splitlines():
            assert line.startswith(("test", "base")), line
            assert len(line) < 1000
