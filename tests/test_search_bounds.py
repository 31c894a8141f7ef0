"""What a proof is worth: samples, shadow prices, other solvers, limits of time."""

import random
from dataclasses import replace

import numpy as np
import pytest
from search_spaces import random_base, random_choices, space_of

from antcost.search.bounds import Bound
from antcost.search.chain import Chain, build_chain, slices
from antcost.search.front import bounded, find_point
from antcost.search.infeasible import reaches
from antcost.search.milp import solve_milp
from antcost.search.objective import read_objective
from antcost.search.parallel import fill_in_parts, front_points
from antcost.search.problem import Problem, make_problem
from antcost.search.run import Report, fill, find_best, prepare
from antcost.search.solve import Progress, TimeUpError, followed, solve
from antcost.search.space import Request, Space, load_space

OBJECTIVES = ("entropy", "zen", "max params", "{maximize: {zen: 1.0, madds: -1.0e-8}}")


def shipped(objective: str, **budget: str) -> Space:
    return load_space("antnet_300m", Request(objective=objective, budget=budget))


def random_paths(problem: Problem, count: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    paths = []
    for _ in range(count):
        node, path = 0, []
        for layer in problem.layers:
            start, end = np.searchsorted(layer.source, (node, node + 1))
            way = int(rng.integers(start, end))
            path.append(way)
            node = int(layer.target[way])
        paths.append(tuple(path))
    return paths


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_no_sampled_network_beats_a_proven_optimum(objective: str) -> None:
    space = shipped(objective, rho="2.0", params="<= 6M", madds="<= 500M")
    (part,) = slices(space)
    problem = prepare(space, part, read_objective(objective, space.measures)).problem
    report = find_best(space)
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
    report = find_best(space)
    assert report.best is not None
    assert any(report.prices.values())
    gap = max(m.upper for m in report.history if m.upper < np.inf) - report.best.worth
    for bound, price in report.prices.items():
        for more in (-bound.limit // 20, bound.limit // 10):
            other = bounded(space, [bound.measure], [bound.limit + more])
            again = find_best(other).best
            assert again is not None
            assert again.worth <= report.best.worth + price * more + gap
    (madds,) = (b for b in report.prices if b.measure.name == "madds")
    step = madds.limit // 10
    less, more = (
        find_best(bounded(space, [madds.measure], [madds.limit + d])).best for d in (-step, step)
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
        layer.costs[way] for layer, way in zip(problem.layers, progress.best.path, strict=True)
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
    chained = find_best(space)
    monkeypatch.setattr("antcost.search.chain.MAX_WAYS", 12)
    linear = find_best(space)
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
    report = find_best(space)
    assert report.best is not None
    assert report.proven
    assert report.best.worth == -report.best.counts["peak_memory"]
    bound = Bound(space.measures["peak_memory"], report.best.counts["peak_memory"] - 1, False, "")
    below = replace(space, bounds=(*space.bounds, bound), objective=read_objective("zen", {}))
    assert find_best(below).best is None


def test_what_conflicts_is_found() -> None:
    alone = list(reaches(shipped("zen", madds="50M")))
    assert [(str(r.bound), r.kept) for r in alone] == [
        ("MAdds <= 50M", False),
        ("params <= 3.4M", True),
    ]
    pairs = list(reaches(shipped("zen", madds="<= 90M", params="<= 1.75M", rho="2.0")))
    together = [r for r in pairs if r.beside]
    assert all(r.kept for r in pairs if not r.beside)
    assert together
    for reach in together:
        assert reach.nearest is not None


def test_a_time_limit_leaves_a_certified_gap() -> None:
    space = shipped("max madds", rho="5.0")
    report = find_best(space, limit_s=0.3)
    assert report.interrupted
    assert not report.proven
    assert report.best is not None
    assert report.best.worth <= 300e6 <= report.upper
    assert report.seconds < 10


def test_ctrl_c_leaves_what_is_known() -> None:
    report = Report(shipped("max madds", rho="5.0"))

    def press(now: Report) -> None:
        if now.best is not None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(report, tell=press)
    assert report.best is not None
    assert report.upper >= report.best.worth


def test_bounds_close_in_and_never_cross() -> None:
    report = find_best(shipped("entropy"))
    lowers = [moment.lower for moment in report.history]
    uppers = [moment.upper for moment in report.history]
    assert lowers == sorted(lowers)
    assert uppers == sorted(uppers, reverse=True)
    assert all(low <= high for low, high in zip(lowers, uppers, strict=True))
    assert report.history[-1].lower == report.history[-1].upper


def test_parts_and_points_as_tasks_are_those_of_one_process() -> None:
    space = load_space("mobilenet_v2_width_resolution", Request(budget={"madds": "100M"}))
    alone, spread = find_best(space), Report(space)
    assert list(fill_in_parts(spread, workers=2))[-1] == 30
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
