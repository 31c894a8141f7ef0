"""What a proof is worth: samples, shadow prices, other solvers, limits of time."""

import contextlib
import random
from dataclasses import replace

import numpy as np
import pytest
from search_spaces import (
    every_network,
    every_path,
    random_base,
    random_choices,
    space_of,
)

from antcost.cost.budget import Bound
from antcost.search.chain import Chain, build_chain, slices
from antcost.search.front import bounded, find_point, front_points
from antcost.search.infeasible import diagnose_bounds
from antcost.search.milp import solve_milp
from antcost.search.objective import read_objective
from antcost.search.problem import Problem, make_problem
from antcost.search.progress import Progress, TimeUpError
from antcost.search.result import SearchResult
from antcost.search.run import prepare, run_search, run_search_parallel
from antcost.search.solve import enumerate_above, followed, solve
from antcost.search.space import SearchOptions, Space, load_space

OBJECTIVES = ("entropy", "zen", "max params", "{maximize: {zen: 1.0, madds: -1.0e-8}}")


def shipped(objective: str, **budget: str) -> Space:
    return load_space(
        "antnet_300m",
        SearchOptions(objective=objective, budget={k: [v] for k, v in budget.items()}),
    )


def random_paths(problem: Problem, count: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    paths = []
    for _ in range(count):
        node, path = 0, []
        for layer in problem.layers:
            start, end = np.searchsorted(layer.source, (node, node + 1))
            arc = int(rng.integers(start, end))
            path.append(arc)
            node = int(layer.target[arc])
        paths.append(tuple(path))
    return paths


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_no_sampled_network_beats_a_proven_optimum(objective: str) -> None:
    space = shipped(objective, rho="2.0", params="<= 6M", madds="<= 500M")
    (part,) = slices(space)
    problem = prepare(space, part, read_objective(objective, space.measures)).problem
    report = run_search(space)
    assert report.proven
    assert report.best is not None
    feasible = 0
    for path in random_paths(problem, 3000, np.random.default_rng(1)):
        found = followed(problem, path)
        if found is not None:
            feasible += 1
            assert found.value <= report.best.worth + 1e-9 * abs(report.best.worth)
    assert feasible > 20


@pytest.mark.parametrize("objective", ["zen", "entropy"])
def test_shadow_prices_bound_what_more_budget_brings(objective: str) -> None:
    """The dual bound is linear in the budget: at fixed prices, an optimum cannot grow faster."""
    space = shipped(objective, madds="<= 250M", params="<= 2.6M")
    report = run_search(space)
    assert report.best is not None
    assert any(report.prices.values())
    gap = max(m.upper for m in report.history if m.upper < np.inf) - report.best.worth
    for bound, price in report.prices.items():
        for more in (-bound.limit // 20, bound.limit // 10):
            other = bounded(space, [bound.measure], [bound.limit + more])
            again = run_search(other).best
            assert again is not None
            assert again.worth <= report.best.worth + price * more + gap
    (madds,) = (b for b in report.prices if b.measure.name == "madds")
    step = madds.limit // 10
    less, more = (
        run_search(bounded(space, [madds.measure], [madds.limit + d])).best for d in (-step, step)
    )
    assert less is not None
    assert more is not None
    slope = (more.worth - less.worth) / (2 * step)
    assert slope == pytest.approx(report.prices[madds], rel=0.35)


def medium(seed: int) -> Space:
    """A space of 10^6 to 10^9 combinations with every kind of rule."""
    rng = random.Random(seed)
    return space_of(
        random_base(rng, 6),
        choices=random_choices(rng, 6, often=0.9),
        rules={"a*.channels": "non-decreasing", "a*.repeat": "spread <= 1"},
        budget={"madds": "<= 1.2M", "params": "<= 40k"},
        objective=rng.choice(["zen", "max params", "{maximize: {zen: 1.0, madds: -1.0e-6}}"]),
    )


@pytest.mark.parametrize("name", ["seed 1", "seed 2", "seed 5", "antnet_g2_smaller"])
def test_the_same_as_a_linear_program(name: str) -> None:
    space = medium(int(name[5:])) if name.startswith("seed") else load_space(name)
    (part,) = slices(space)
    values: list[float | None] = []
    for rules in (True, False):
        chain = build_chain(space, part, rules=rules)
        problem = problem_of(space, chain)
        progress = Progress()
        solve_milp(problem, progress, chain, () if rules else space.rules)
        assert progress.proven
        values.append(progress.best.value if progress.best else None)
    progress = Progress()
    solve(problem_of(space, build_chain(space, part)), progress)
    assert progress.best is not None
    assert values == [pytest.approx(progress.best.value, rel=1e-9)] * 2


def test_a_linear_program_keeps_limits_exactly() -> None:
    """HiGHS alone would take the best path, which is one multiply-add beyond the limit."""
    space = load_space("antnet_g2_smaller")
    (part,) = slices(space)
    problem = problem_of(space, build_chain(space, part))
    progress = Progress()
    solve(problem, progress)
    assert progress.best is not None
    used = sum(
        layer.costs[arc] for layer, arc in zip(problem.layers, progress.best.path, strict=True)
    )
    tight = replace(problem, limits=used - np.array([1.0, 0.0]))
    linear, labels = Progress(), Progress()
    solve_milp(tight, linear)
    solve(tight, labels)
    assert linear.best is not None
    assert labels.best is not None
    assert linear.best.value == pytest.approx(labels.best.value, rel=1e-9)
    assert linear.best.value < progress.best.value


def problem_of(space: Space, chain: Chain) -> Problem:
    assert space.objective is not None
    return make_problem(chain, space.objective, space.bounds, space.rho, space.scores)


def test_rules_that_break_the_chain_go_to_the_linear_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    space = space_of(
        "antnet_g1",
        choices={"ant[2-7].groups": {"shared": [1, 2, 4]}, "ant[2-4].kernel": {"each": [3, 5]}},
        budget={"madds": "<= 280M"},
        objective="zen",
    )
    chained = run_search(space)
    monkeypatch.setattr("antcost.search.chain.MAX_TRANSITIONS", 12)
    linear = run_search(space)
    assert (chained.solver, linear.solver) == ("labels", "milp")
    assert chained.best is not None
    assert linear.best is not None
    assert linear.best.worth == pytest.approx(chained.best.worth, rel=1e-9)
    assert linear.proven


def test_the_least_peak_memory() -> None:
    space = space_of(
        "antnet_g1",
        choices={"ant2.expansion": {"each": [2, 3, 6]}, "ant2.kernel": {"each": [3, 5]},
                 "resolution": {"each": [160, 192]}},
        budget={"params": "<= 3.82M"},
        objective="min peak_memory",
    )  # fmt: skip
    report = run_search(space)
    assert report.best is not None
    assert report.proven
    assert report.best.worth == -report.best.counts["peak_memory"]
    bound = Bound(space.measures["peak_memory"], report.best.counts["peak_memory"] - 1, False, "")
    below = replace(space, bounds=(*space.bounds, bound), objective=read_objective("zen", {}))
    assert run_search(below).best is None


def test_what_cannot_be_kept_is_found() -> None:
    alone = list(diagnose_bounds(shipped("zen", madds="50M")))
    assert [(reach.bound, reach.kept) for reach in alone] == [
        ("MAdds <= 50M", False),
        ("params <= 3.4M", True),
        ("rho <= 1", True),
    ]


def test_a_time_limit_leaves_a_certified_gap() -> None:
    space = shipped("max madds", rho="5.0")
    report = run_search(space, limit_s=2)
    assert report.interrupted
    assert not report.proven
    assert report.best is not None
    assert report.best.worth <= 300e6 <= report.upper
    assert report.seconds < 10


def test_ctrl_c_leaves_what_is_known() -> None:
    seen: list[SearchResult] = []

    def press(now: SearchResult) -> None:
        seen.append(now)
        if now.best is not None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_search(shipped("max madds", rho="5.0"), on_progress=press)
    last = seen[-1]
    assert last.best is not None
    assert last.upper >= last.best.worth
    assert last.size > 10**15


def test_bounds_close_in_and_never_cross() -> None:
    report = run_search(shipped("entropy"))
    lowers = [moment.lower for moment in report.history]
    uppers = [moment.upper for moment in report.history]
    assert lowers == sorted(lowers)
    assert uppers == sorted(uppers, reverse=True)
    assert all(low <= high for low, high in zip(lowers, uppers, strict=True))
    assert report.history[-1].lower == report.history[-1].upper


def test_parts_and_points_as_tasks_are_those_of_one_process() -> None:
    space = load_space("mobilenet_v2_width_resolution", SearchOptions(budget={"madds": ["100M"]}))
    alone, seen = run_search(space), []
    spread = run_search_parallel(space, workers=2, on_progress=seen.append)
    assert len(seen) == 30
    assert alone.best is not None
    assert alone.best == spread.best
    assert (alone.size, alone.upper) == (spread.size, spread.upper)
    assert spread.proven
    smaller = load_space("antnet_g2_smaller")
    axes = [smaller.measures["madds"]]
    budgets = [(200_000_000,), (250_000_000,)]
    points = sorted(front_points(smaller, axes, budgets, workers=2), key=lambda p: p.limits)
    assert points == [find_point(smaller, axes, limits, np.inf) for limits in budgets]


def test_linear_programs_end_in_time() -> None:
    space = shipped("zen", rho="5.0")
    (part,) = slices(space)
    prepared = prepare(space, part, read_objective("zen", space.measures))
    problem = replace(
        prepared.problem,
        rho=None,
        layers=tuple(replace(layer, ends_scale=False) for layer in prepared.problem.layers),
    )
    with pytest.raises(TimeUpError):
        solve_milp(problem, Progress(limit_s=0.2))


@pytest.mark.parametrize("seed", range(6))
def test_budgets_of_a_few_units(seed: int) -> None:
    """Prices get extreme, and HiGHS has wider tolerances: still nothing is proven wrongly."""
    space = replace(medium(1), bounds=medium(1).bounds[:2])
    (part,) = slices(space)
    problem = problem_of(space, build_chain(space, part))
    (path,) = random_paths(problem, 1, np.random.default_rng(seed))
    costs = sum(layer.costs[arc] for layer, arc in zip(problem.layers, path, strict=True))
    window = replace(
        problem,
        limits=np.array([*(costs + 1), *(1 - costs)]),
        layers=tuple(
            replace(layer, costs=np.column_stack([layer.costs, -layer.costs]))
            for layer in problem.layers
        ),
    )
    paths = every_path(window)
    best = paths.values[paths.feasible].max()
    labels, linear = Progress(), Progress(limit_s=20)
    solve(window, labels)
    with contextlib.suppress(TimeUpError):
        solve_milp(window, linear)
    assert labels.lower == pytest.approx(best, rel=1e-11)
    assert not linear.proven or linear.lower == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("objective", ["entropy", "zen"])
def test_rho_binds_at_an_earlier_scale(objective: str) -> None:
    """The last scale is wide: the end alone would allow deeper networks than the ones before."""
    base = random_base(random.Random(5), 3)
    for stage, channels in zip(base["stages"][1:4], (8, 16, 320), strict=True):
        stage |= {"channels": channels, "stride": 2, "expansion": 2, "repeat": 1}
    space = space_of(
        base,
        choices={
            "a[1-2].repeat": {"each": [1, 2, 3, 4, 5]}, "a3.repeat": {"each": [1, 2, 3]},
            "a[1-3].kernel": {"each": [3, 5]}, "a[1-3].expansion": {"each": [1, 2, 3]},
        },
        objective=objective,
        budget={"madds": "<= 6M"},
    )  # fmt: skip
    (part,) = slices(space)
    chain = build_chain(space, part)
    differ = 0
    for rho in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        problem = problem_of(replace(space, rho=rho), chain)
        ends = [index for index, layer in enumerate(problem.layers) if layer.ends_scale]
        only_last = replace(
            problem,
            layers=tuple(
                replace(layer, ends_scale=index == ends[-1])
                for index, layer in enumerate(problem.layers)
            ),
        )
        paths, later = every_path(problem), every_path(only_last)
        differ += later.values[later.feasible].max() > paths.values[paths.feasible].max()
        progress = Progress()
        solve(problem, progress)
        best = paths.values[paths.feasible].max()
        assert progress.lower == pytest.approx(best, rel=1e-11)
        threshold = best - 0.02 * abs(best)
        found = {one.path for one in enumerate_above(problem, threshold)}
        near = paths.arcs[paths.feasible & (paths.values >= threshold)]
        assert found == {tuple(map(int, path)) for path in near}
    assert differ


@pytest.mark.parametrize("objective", ["entropy", "zen"])
def test_the_bound_is_never_below_the_optimum(objective: str) -> None:
    """At any moment of a search whose parts are solved one by one."""
    space = shipped(objective, madds="<= 250M", params="<= 2.6M")
    seen: list[float] = []
    result = run_search(space, on_progress=lambda now: seen.append(now.upper))
    assert result.best is not None
    assert len(seen) > 5
    assert all(upper >= result.best.worth for upper in seen)


def test_a_smallest_set_of_budgets_conflicts() -> None:
    """Each by itself fits, and so do any two; all three do not."""
    space = space_of(
        "cifar100/antnet_g2",
        choices={
            "ant2.expansion": {"each": [2, 3, 6]}, "ant3.groups": {"each": [1, 2, 4]},
            "ant4.reduction": {"each": [None, 8]}, "ant5.kernel": {"each": [3, 5]},
            "ant2.repeat": {"each": [1, 2, 3]},
        },
        budget={"madds": ">= 61738048", "params": "<= 2109316", "traffic": "<= 41969712B"},
        objective="zen",
    )  # fmt: skip
    assert run_search(space).best is None
    found = list(diagnose_bounds(space))
    assert all(reach.kept for reach in found[:3])
    together = found[3:]
    assert len(together) == 3
    assert not any(reach.kept for reach in together)
    assert all(len(reach.beside) == 2 for reach in together)


def test_the_least_rho_is_told() -> None:
    base = random_base(random.Random(2), 2)
    space = space_of(
        base, choices={"a1.repeat": {"each": [2, 4]}}, budget={"rho": "<= 0.001"}, objective="zen"
    )
    (reach,) = diagnose_bounds(space)
    assert not reach.kept
    assert reach.nearest is not None
    least = min(net.rho for net in every_network(space))
    assert least <= reach.nearest <= 1.01 * least


def test_lists_are_equal_whoever_wrote_them() -> None:
    base = random_base(random.Random(1), 2)
    for stage in base["stages"][1:3]:
        stage["kernel"] = [3, 5]
    space = space_of(
        base, choices={"a1.kernel": {"each": [3, [3, 5]]}}, rules={"a*.kernel": "equal"},
        objective="zen",
    )  # fmt: skip
    best = run_search(space).best
    assert best is not None
    assert best.values == {"a1.kernel": [3, 5]}


def test_a_base_that_cannot_be_built_everywhere_is_no_obstacle() -> None:
    base = random_base(random.Random(1), 2)
    base["stages"][1] |= {"channels": 24, "groups": 3, "expansion": 3}
    space = space_of(
        base, choices={"width": {"each": [1.0, 0.5]}, "a1.groups": {"each": [1, 2, 3]}},
        objective="min madds",
    )  # fmt: skip
    assert run_search(space).best is not None


def test_rounding_of_high_prices_hides_no_network() -> None:
    """One network has this size; without the error of its sums, a bound says that there is none."""
    space = space_of(
        "mobilenet_v3_large",
        choices={
            "resolution": {"each": [64]},
            "block2.kernel": {"each": [3, [3, 5]]},
            "block2.channels": {"each": [24, 12]},
            "block4.repeat": {"each": [4, 1]},
            "block11.squeeze": {"each": [None, 8]},
            "block7.hidden": {"each": [200, 96]},
            "conv0.groups": {"each": [1, 2]},
            "block8.kernel": {"each": [[1, 3], 3, 5]},
        },
        dtype="int8",
        budget={
            "params": ">= 5236200",
            "size": ["<= 5236200B", ">= 5236200B"],
            "peak_memory": "<= 131072B",
        },
        objective="max params",
    )
    report = run_search(space)
    assert report.best is not None
    assert report.best.counts["params"] == 5_236_200
    assert report.proven
