"""How fast antcost proves the best network of a space, beside SciPy's MILP and four heuristics.

.venv/bin/python benchmarks/search.py

About 16 minutes; 2 with --quick. `pip install pymoo 'optuna>=5'` for the rows of these two.
"""

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from math import inf, isclose, log
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from tabulate import tabulate

import antcost
from antcost.search.chain import Chain, ChainStep, build_chain, slices
from antcost.search.milp import solve_milp
from antcost.search.problem import Problem, make_problem
from antcost.search.progress import Progress, TimeUpError
from antcost.search.run import run_search
from antcost.search.solve import solve
from antcost.search.space import Sources, Space, load_space, make_space
from antcost.search.sweep import ROWS, plan_sweep, random_paths, row_group, write
from antcost.yamlfile.document import Document

BUDGET = {"madds": "<= 300M", "params": "<= 3.4M"}
RHO = 1.0
CHOICES: Mapping[str, Mapping[str, list[Any]]] = {
    "10^13": {
        "channels": [0.5, 1, 1.5], "repeat": [1, 2, 3], "expansion": [3, 6], "kernel": [3],
        "reduction": [None, 16], "groups": [1, 2],
    },
    "10^18": {
        "channels": [0.5, 0.625, 0.75, 1, 1.25, 1.5, 2], "repeat": [2, 3, 4],
        "expansion": [3, 4, 6], "kernel": [3, 5], "reduction": [None, 16], "groups": [1, 2],
    },
    "10^21": {
        "channels": [0.5, 0.625, 0.75, 0.875, 1, 1.125, 1.25, 1.5, 2], "repeat": [1, 2, 3, 4],
        "expansion": [3, 4, 6], "kernel": [3, 5], "reduction": [None, 8, 32], "groups": [1, 2],
    },
    "10^28": {
        "channels": [eighths / 8 for eighths in range(2, 17)], "repeat": [1, 2, 3, 4, 5, 6],
        "expansion": [2, 3, 4, 5, 6], "kernel": [3, 5, 7], "reduction": [None, 8, 16, 32],
        "groups": [1, 2, 4],
    },
}  # fmt: skip
"""Values of each field of the seven stages of ANTNet, every stage by itself; channels as factors"""
REPETITIONS = 5
MILP_TOLERANCE = 1e-5
"""HiGHS stops 1e-6 (of the largest score) from the optimum"""
START_S = 10
"""What a process may take to begin"""
BATCH = 20_000
POPULATION = 1_000
MUTATION = 0.1


def make(name: str, objective: str, rho: float | None = None) -> Space:
    choices = {
        f"ant[1-7].{key}": {"scale" if key == "channels" else "each": values}
        for key, values in CHOICES[name].items()
    }
    budget = BUDGET if rho is None else {**BUDGET, "rho": f"<= {rho}"}
    tree = {"base": "antnet_g1", "choices": choices, "budget": budget, "objective": objective}
    base = antcost.load("antnet_g1")
    return make_space(Sources(name, Document(tree, name), "antnet_g1", base))


def tables(space: Space) -> tuple[Chain, Problem]:
    """The arrays of a space, in which everything is counted and nothing is decided."""
    assert space.objective is not None
    chain = build_chain(space, next(slices(space)))
    return chain, make_problem(chain, space.objective, space.bounds, space.rho)


def with_scores(chain: Chain, problem: Problem) -> Problem:
    """The problem with a made-up score for each arc, as trained blocks might have.

    It is concave in the multiply-adds and parameters of the arc, rewards attention, large kernels
    and depth, and is noisy.
    """
    rng = np.random.default_rng(0)
    layers = []
    for layer, step in zip(problem.layers, chain.steps, strict=True):
        counts = step.arcs.counts
        score = np.log1p(counts["madds"] / 1e6) + np.log1p(counts["params"] / 1e4)
        score += rng.normal(0, 0.05, len(score))
        for name, bonus in (
            ("reduction", lambda r: 0 if r is None else 0.6 / r**0.5),
            ("kernel", lambda k: 0.05 * (k - 3)),
            ("repeat", lambda n: 0.3 * n**0.5),
        ):
            score += values_of(step, name, bonus)
        layers.append(replace(layer, score=score[step.arc]))
    return replace(problem, layers=tuple(layers))


def values_of(step: ChainStep, name: str, number: Callable[[Any], float]) -> Any:
    """A number for the value that each arc has of a field; 0 if it is not chosen here."""
    if name not in step.choices.values:
        return 0
    numbers = np.array([number(value) for value in step.choices.values[name]])
    return numbers[step.choices.positions(step.arcs.option, name)]


def seconds(function: Callable[[], object], times: int = REPETITIONS) -> float:
    """Median of some calls; of one, if that takes long."""
    taken: list[float] = []
    while len(taken) < times and sum(taken) < 10:
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def solved(problem: Problem, limit_s: float = inf) -> Progress:
    progress = Progress(limit_s=limit_s)
    try:
        solve(problem, progress)
    except TimeUpError:
        assert not progress.proven
    return progress


def milp_seconds(problem: Problem, limit_s: float, optimum: float) -> float:
    """How long HiGHS takes to the same optimum; infinity if more than the limit.

    It does not always look at the clock, so it is a process that can be ended.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=run_milp, args=(problem, limit_s, sender))
    process.start()
    proven, value, taken = receiver.recv() if receiver.poll(limit_s + START_S) else (False, 0, inf)
    process.kill()
    if not proven:
        return inf
    assert isclose(value, optimum, rel_tol=MILP_TOLERANCE), (value, optimum)
    return taken


def run_milp(problem: Problem, limit_s: float, sender: Connection) -> None:
    import_module("scipy.optimize")
    progress = Progress(limit_s=limit_s)
    with suppress(TimeUpError):
        solve_milp(problem, progress)
    sender.send((progress.proven, progress.lower, progress.seconds))


def show(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    align = ("left", *["right"] * (len(headers) - 1))
    table = tabulate(rows, headers, "github", colalign=align, disable_numparse=True)
    print(table, end="\n\n", flush=True)


def spaces(names: Sequence[str]) -> None:
    """How large the spaces are, and how long it takes to count all of their arcs."""
    rows = []
    for name in names:
        space = make(name, "zen")
        chain, problem = tables(space)
        counted = f"{seconds(lambda s=space: tables(s)):.2f}"
        rows.append((name, f"{space.size:,}", f"{chain.size():,}", f"{problem.size:,}", counted))
    show(("space", "configurations", "can be built", "ways", "tables, s"), rows)


def additive(names: Sequence[str], limit_s: float) -> None:
    """Objectives that are sums over the stages: the solver beside HiGHS."""
    rows = []
    for name in names:
        space = make(name, "zen")
        chain, zen = tables(space)
        for objective, problem in (("scores", with_scores(chain, zen)), ("zen", zen)):
            best = solved(problem)
            assert best.proven
            own = seconds(lambda p=problem: solved(p))
            milp = milp_seconds(problem, limit_s, best.lower)
            over, least = ("> ", limit_s) if milp == inf else ("", milp)
            whole = f"{seconds(lambda s=space: run_search(s)):.2f}" if problem is zen else ""
            rows.append((
                name, objective, f"{best.lower:.4f}", f"{own:.2f}", f"{over}{least:.1f}",
                f"{over}{least / own:.0f}", whole,
            ))  # fmt: skip
    headers = ("space", "objective", "optimum", "antcost, s", "HiGHS, s", "ratio", "run_search, s")
    show(headers, rows)


def deepmad(names: Sequence[str], limit_s: float) -> None:
    """The objective of DeepMAD, which is bilinear, without and with its bound on rho."""
    rows = []
    for name in names:
        for rho in (None, RHO):
            _, problem = tables(make(name, "entropy", rho))
            best = solved(problem, limit_s)
            proven = "yes" if best.proven else f"within {best.upper / best.lower - 1:.2%}"
            own = seconds(lambda p=problem: solved(p, limit_s))
            rows.append((name, str(rho or ""), f"{best.lower:.2f}", proven, f"{own:.2f}"))
    show(("space", "rho <=", "entropy", "proven", "antcost, s"), rows)


@dataclass(slots=True)
class Scorer:
    """Evaluates networks from the same tables, and keeps count and the best one within the limits.

    A network is a gene for each field that is chosen: the position among its `sizes` values.
    `options` makes of genes the combination that each stage has; `arcs[stage][node, option]` is the
    row of `rows[stage]` with score, entropy, depth, what cannot be built, and costs. The last row
    is for what cannot.
    """

    problem: Problem
    sizes: Any
    strides: Any
    arcs: list[Any]
    rows: list[Any]
    evaluations: int = 0
    best: float = -inf
    deadline: float = inf

    @property
    def running(self) -> bool:
        return time.perf_counter() < self.deadline

    def options(self, genes: Any) -> Any:
        return (genes @ self.strides).astype(np.int64)

    def __call__(self, options: Any) -> tuple[Any, Any]:
        """The value of each network, and by how much it is beyond the limits."""
        problem, node = self.problem, np.zeros(len(options), dtype=np.int64)
        value, excess = np.zeros(len(options)), np.zeros(len(options))
        total = np.zeros((len(options), self.rows[0].shape[1]))
        for stage, layer in enumerate(problem.layers):
            arc = self.arcs[stage][node, options[:, stage]]
            total += self.rows[stage][arc]
            node = layer.target[arc]
            value += layer.weight[node] * total[:, 1]
            if layer.ends_scale and problem.rho is not None:
                depth = np.maximum(total[:, 2], 1)
                rho = np.log(depth) - 2 * total[:, 1] / depth - log(problem.rho)
                excess += np.maximum(rho, 0)
        value += total[:, 0]
        beyond = np.maximum(total[:, 4:] - problem.limits, 0) / problem.limits
        excess += beyond.sum(axis=1) + total[:, 3]
        self.evaluations += len(options)
        self.best = max(self.best, value[excess == 0].max(initial=-inf))
        return value, excess


def make_scorer(chain: Chain, problem: Problem) -> Scorer:
    sizes, strides, tables_of_arcs, rows = [], [], [], []
    for index, (step, layer) in enumerate(zip(chain.steps, problem.layers, strict=True)):
        for name, values in step.choices.values.items():
            sizes.append(len(values))
            strides.append(np.zeros(len(chain.steps)))
            strides[-1][index] = step.choices.strides[name]
        arcs = np.full((problem.nodes[index], step.choices.size), -1)
        arcs[layer.source, step.arcs.option[step.arc]] = np.arange(len(layer))
        tables_of_arcs.append(arcs)
        made = np.zeros(len(layer))
        row = np.column_stack([layer.score, layer.gain, layer.depth, made, layer.costs])
        cannot = np.zeros((1, row.shape[1]))
        cannot[0, 3] = 1
        rows.append(np.vstack([row, cannot]))
    return Scorer(problem, np.array(sizes), np.array(strides), tables_of_arcs, rows)


def sample(scorer: Scorer) -> None:
    rng = np.random.default_rng(0)
    sizes = [arcs.shape[1] for arcs in scorer.arcs]
    while scorer.running:
        scorer(rng.integers(sizes, size=(BATCH, len(sizes))))


def evolve(scorer: Scorer) -> None:
    """As in Once-for-All: the best quarter stay and have mutants and crossings, half of each.

    Networks beyond the limits are ranked by how far, behind all others, rather than drawn anew.
    """
    rng = np.random.default_rng(0)
    genes = rng.integers(scorer.sizes, size=(POPULATION, len(scorer.sizes)))
    value, excess = scorer(scorer.options(genes))
    while scorer.running:
        fittest = np.lexsort((-value, excess))[: POPULATION // 4]
        mother, father = rng.choice(fittest, (2, POPULATION))
        drawn = rng.random((2, POPULATION, len(scorer.sizes)))
        fresh = rng.integers(scorer.sizes, size=drawn[0].shape)
        half = np.arange(POPULATION)[:, None] < POPULATION // 2
        mutated = np.where(drawn[0] < MUTATION, fresh, genes[mother])
        crossed = np.where(drawn[1] < 0.5, genes[mother], genes[father])
        children = np.where(half, mutated, crossed)
        results = zip((value, excess), scorer(scorer.options(children)), strict=True)
        value, excess = (np.concatenate([old[fittest], new]) for old, new in results)
        genes = np.concatenate([genes[fittest], children])


def run_pymoo(scorer: Scorer) -> None:
    """With the operators that its documentation has for integers."""
    from pymoo.algorithms.soo.nonconvex.ga import GA
    from pymoo.core.problem import Problem as Black
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.operators.sampling.rnd import IntegerRandomSampling
    from pymoo.optimize import minimize

    class Networks(Black):
        def _evaluate(self, x: Any, out: dict[str, Any], *_: Any, **__: Any) -> None:
            value, excess = scorer(scorer.options(x))
            out["F"], out["G"] = -value, excess

    box = {"xl": 0 * scorer.sizes, "xu": scorer.sizes - 1, "vtype": int}
    repair = RoundingRepair()
    genetic = GA(
        pop_size=200,
        sampling=IntegerRandomSampling(),
        crossover=SBX(prob=1.0, eta=3.0, vtype=float, repair=repair),
        mutation=PM(prob=1.0, eta=3.0, vtype=float, repair=repair),
    )
    networks = Networks(n_var=len(scorer.sizes), n_obj=1, n_ieq_constr=1, **box)
    minimize(networks, genetic, ("time", scorer.deadline - time.perf_counter()), seed=0)


def run_optuna(scorer: Scorer) -> None:
    import optuna

    def value_of(trial: optuna.Trial) -> float:
        genes = [trial.suggest_int(str(i), 0, size - 1) for i, size in enumerate(scorer.sizes)]
        value, excess = scorer(scorer.options(np.array([genes])))
        trial.set_constraint("excess", excess[0])
        return float(value[0])

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=0)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(value_of, timeout=scorer.deadline - time.perf_counter())


HEURISTICS = {
    "random sampling, vectorised": sample,
    "evolution as in OFA, vectorised": evolve,
    "pymoo GA": run_pymoo,
    "Optuna TPE": run_optuna,
}


def heuristics(name: str, limit_s: float) -> None:
    """What heuristics reach in a given time, beside the proven optimum."""
    plain, zen = tables(make(name, "zen"))
    for title, chain, problem in (
        ("scores", plain, with_scores(plain, zen)),
        (f"entropy, rho <= {RHO}", *tables(make(name, "entropy", RHO))),
    ):
        start = time.perf_counter()
        best = solved(problem)
        taken = time.perf_counter() - start
        assert best.proven
        require_same(make_scorer(chain, problem), chain, best)
        rows = [("antcost, proven", f"{best.lower:.3f}", "0", "", f"{taken:.1f}")]
        for method, run in HEURISTICS.items():
            if find_spec(method.split()[0].lower()) is None and run in (run_pymoo, run_optuna):
                continue
            scorer = make_scorer(chain, problem)
            scorer.deadline = time.perf_counter() + limit_s
            run(scorer)
            assert scorer.best <= best.lower * (1 + 1e-9)
            found, gap = f"{scorer.best:.3f}", f"{100 * (1 - scorer.best / best.lower):.2f}"
            if scorer.best == -inf:
                found, gap = "none", ""
            rows.append((method, found, gap, f"{scorer.evaluations:,}", f"{limit_s:.0f}"))
        show((f"{name}, {title}", "value", "gap, %", "evaluations", "seconds"), rows)


def sweeps() -> None:
    """Random configurations on one core: drawn, counted, and with the Parquet file."""
    space = load_space("antnet_300m")
    chain, rng = build_chain(space, next(slices(space))), np.random.default_rng(0)
    plan = plan_sweep(space, 8 * ROWS)
    with TemporaryDirectory() as folder:
        rows = [
            (text, f"{size / seconds(function):,.0f}")
            for text, size, function in (
                ("drawn", ROWS, lambda: random_paths(chain, ROWS, rng)),
                (f"with {len(space.measures)} costs of each", ROWS,
                 lambda: row_group(plan.groups[0])),
                ("written as Parquet", plan.rows,
                 lambda: write(plan, Path(folder, "costs.parquet"))),
            )
        ]  # fmt: skip
    show(("antnet_300m, one core", "configurations a second"), rows)


def require_same(scorer: Scorer, chain: Chain, best: Progress) -> None:
    """Assert that what heuristics evaluate is what the solver has solved."""
    assert best.best is not None
    path = zip(chain.steps, best.best.path, strict=True)
    value, excess = scorer(np.array([[step.arcs.option[step.arc[edge]] for step, edge in path]]))
    assert isclose(value[0], best.lower, rel_tol=1e-9), (value, best.lower)
    assert excess[0] == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=120, help="seconds for HiGHS, and DeepMAD")
    parser.add_argument("--seconds", type=float, default=60, help="seconds for each heuristic")
    parser.add_argument("--quick", action="store_true", help="10^13 and 10^18, 5 s a heuristic")
    given = parser.parse_args()
    names = list(CHOICES)[:2] if given.quick else list(CHOICES)
    spaces(names)
    additive(names, given.limit)
    deepmad(names[:3], given.limit)
    sweeps()
    heuristics("10^18", 5 if given.quick else given.seconds)


if __name__ == "__main__":
    main()
