"""The solver against spaces whose networks are all known: optimum, next best, and what is empty."""

import math
import random
from typing import Any

import numpy as np
import pytest
from search_spaces import (
    Network,
    every_network,
    every_path,
    random_base,
    random_choices,
    random_rules,
    space_of,
)

from antcost.search.chain import build_chain, slices
from antcost.search.problem import make_problem
from antcost.search.progress import Progress
from antcost.search.run import network_of, run_search
from antcost.search.solve import enumerate_above, solve
from antcost.search.space import Space
from antcost.search.top_k import find_top_k

MOST_BUILT, FEWEST = 300, 30
CHANNELS = {
    "a[1-3].channels": {"each": [8, 16, 24, 40]},
    "a[1-2].repeat": {"each": [1, 2, 3]},
}
OBJECTIVES: dict[str, Any] = {
    "entropy": lambda net: net.entropy,
    "zen": lambda net: net.zen,
    "min madds": lambda net: -net.cost.madds,
    "max madds": lambda net: net.cost.madds,
    "max params": lambda net: net.cost.params,
    "{maximize: {zen: 1.0, madds: -1.0e-6}}": lambda net: net.zen - 1e-6 * net.cost.madds,
    "{maximize: {entropy: 1.0, params: -1.0e-3}}": lambda net: net.entropy - 1e-3 * net.cost.params,
}


def random_fields(rng: random.Random, seed: int) -> dict[str, Any]:
    """Choices and rules; with every second seed a width, with every third a resolution, too."""
    choices = random_choices(rng, 2, often=0.4)
    if seed % 2:
        choices["width"] = {"each": [1.0, 0.5]}
    if seed % 3 == 0:
        choices["resolution"] = {"each": [32, 40]}
    return {"choices": choices, "rules": random_rules(rng)}


def random_budget(rng: random.Random, networks: list[Network], space: Space) -> dict[str, str]:
    """Bounds somewhere among what the networks cost, so some fit and some do not."""

    def among(name: str, low: float, high: float) -> int:
        counts = [space.measures[name].of(net.cost) for net in networks]
        return int(np.quantile(counts, rng.uniform(low, high)))

    budget = {}
    if rng.random() < 0.8:
        budget["madds"] = f"<= {among('madds', 0.05, 0.8)}"
    if rng.random() < 0.6:
        budget["params"] = f"<= {among('params', 0.1, 0.8)}"
    if rng.random() < 0.3:
        budget["peak_memory"] = f"<= {among('peak_memory', 0.2, 0.8)}B"
    if rng.random() < 0.3:
        budget["traffic"] = f">= {among('traffic', 0.1, 0.5)}B"
    if rng.random() < 0.4:
        limit = np.quantile([net.rho for net in networks], rng.uniform(0.05, 0.8))
        budget["rho"] = f"<= {limit:.4f}"
    return budget


def fits(space: Space, net: Network) -> bool:
    kept = all(bound.allows(int(bound.measure.of(net.cost))) for bound in space.bounds)
    return kept and (space.rho is None or net.rho <= space.rho)


def key(values: Any) -> str:
    return repr(sorted(values.items()))


@pytest.mark.parametrize("seed", range(8))
def test_every_network_counted_one_by_one(seed: int) -> None:
    """Spaces of some hundred networks, built and counted alone; every objective, mixed budgets."""
    rng = random.Random(seed)
    while True:
        base, fields = random_base(rng, 2), random_fields(rng, seed)
        space = space_of(base, **fields)
        networks = list(every_network(space)) if space.size <= MOST_BUILT else []
        if len(networks) >= FEWEST:
            break
    assert sum(build_chain(space, part).size() for part in slices(space)) == len(networks)
    for objective, worth in OBJECTIVES.items():
        budget = random_budget(rng, networks, space)
        asked = space_of(base, **fields, objective=objective, budget=budget)
        fitting = [(worth(net), net) for net in networks if fits(asked, net)]
        report = run_search(asked)
        if not fitting:
            assert report.best is None
            assert (report.proven, report.upper) == (True, -math.inf)
            continue
        assert report.best is not None
        assert report.proven
        assert report.best.worth == pytest.approx(max(w for w, _ in fitting), rel=1e-11)
        network_of(asked, report.best)
        count, share = rng.randint(1, 30), rng.choice([0.0, 0.001, 0.05])
        top = find_top_k(report, count=count)
        best = sorted((w for w, _ in fitting), reverse=True)[:count]
        assert [one.worth for one in top.networks] == pytest.approx(best, rel=1e-11)
        top = find_top_k(report, within=share)
        least = report.best.worth - share * abs(report.best.worth)
        least -= 1e-11 * abs(least)
        assert {key(one.values) for one in top.networks} == {
            key(net.values) for w, net in fitting if w >= least
        }


@pytest.mark.parametrize("seed", range(20))
def test_every_path_of_larger_spaces(seed: int) -> None:
    """Spaces of 10^4 to 10^6 networks: the same optimum, and the same sets near it."""
    rng = random.Random(1000 + seed)
    while True:
        stages = rng.randint(3, 5)
        space = space_of(
            random_base(rng, stages),
            choices=random_choices(rng, stages, often=0.65),
            rules=random_rules(rng),
            objective=rng.choice(list(OBJECTIVES)),
        )
        (part,) = slices(space)
        chain = build_chain(space, part)
        if 10**4 <= chain.size() <= 10**6:
            break
    assert space.objective is not None
    free = every_path(make_problem(chain, space.objective, ()))
    arcs = [np.array(column) for column in free.arcs.T]
    budget = {}
    for name in rng.sample(["madds", "params", "traffic"], rng.randint(1, 3)):
        counts = sum(
            step.arcs.counts[name][step.arc[arc]]
            for step, arc in zip(chain.steps, arcs, strict=True)
        )
        unit = "B" if name == "traffic" else ""
        budget[name] = f"<= {int(np.quantile(counts, rng.uniform(0.05, 0.6)))}{unit}"
    if rng.random() < 0.5:
        budget["rho"] = f"<= {rng.uniform(0.3, 1.5):.3f}"
    fields = {name: v for name, v in space.sources.search.tree.items() if name != "base"}
    asked = space_of(space.base.document.tree, **fields | {"budget": budget})
    problem = make_problem(chain, space.objective, asked.bounds, asked.rho)
    paths = every_path(problem)
    assert len(paths.values) == chain.size()
    progress = Progress()
    solve(problem, progress)
    assert progress.proven
    if not paths.feasible.any():
        assert progress.best is None
        return
    assert progress.best is not None
    values = paths.values[paths.feasible]
    assert progress.best.value == pytest.approx(values.max(), rel=1e-11)
    threshold = between(np.sort(values)[::-1][:300])
    found = [one.path for one in enumerate_above(problem, threshold)]
    near = paths.arcs[paths.feasible & (paths.values >= threshold)]
    assert sorted(found) == sorted(tuple(map(int, path)) for path in near)


def between(falling: np.ndarray[Any, Any]) -> float:
    """The middle of the lowest two values that are certainly not equal."""
    gaps = np.flatnonzero(falling[:-1] - falling[1:] > 1e-9 * np.abs(falling[1:]))
    if not len(gaps):
        return float(falling[-1]) - 1.0
    return float(falling[gaps[-1]] + falling[gaps[-1] + 1]) / 2


@pytest.mark.parametrize("objective", ["max params", "zen", "min madds"])
def test_the_only_network_of_an_exact_size(objective: str) -> None:
    """Bounds from both sides and one twice: prices grow without end, and so do rounding errors."""
    base, fields = random_base(random.Random(4), 3), {"choices": CHANNELS}
    networks = list(every_network(space_of(base, **fields)))
    for net in networks[::9]:
        size = net.cost.params
        budget = {"params": f">= {size}", "size": [f"<= {size}B", f">= {size}B"]}
        budget["madds"] = f"<= {net.cost.madds}"
        asked = space_of(base, **fields, dtype="int8", objective=objective, budget=budget)
        report = run_search(asked)
        worth = OBJECTIVES[objective]
        assert report.best is not None
        assert report.proven
        assert report.best.worth == pytest.approx(
            max(worth(other) for other in networks if fits(asked, other)), rel=1e-11
        )
