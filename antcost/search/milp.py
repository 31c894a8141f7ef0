"""The same search as a mixed-integer linear program, for HiGHS inside of SciPy.

One binary variable a transition; as many transitions lead to a node as from it. Rules are linear in
the values of their stages, so they need no states here.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from math import inf
from typing import Any

import numpy as np

from antcost.errors import AntcostError
from antcost.search.arrays import IntArray
from antcost.search.chain import Chain, HeldRule
from antcost.search.problem import Problem
from antcost.search.progress import Progress, TimeUpError
from antcost.search.rules import Rule
from antcost.search.solve import followed

OPTIMAL, INFEASIBLE = 0, 2
TOLERANCE = 2e-6
"""HiGHS may miss a constraint by 1e-6; wider ones lose no solution to that."""
HALF = 0.5
"""Between integers there is this much room on either side."""


def solve_milp(
    problem: Problem, progress: Progress, chain: Chain | None = None, rules: Sequence[Rule] = ()
) -> None:
    """Find the path of the highest value under the rules; `progress` has what is known at the end.

    HiGHS gets limits that are a little wider than its tolerance. Its solution is followed through
    the problem, exactly, and if it is beyond a limit, it is excluded and the rest solved again.
    Raises AntcostError for entropy and rho, which are not linear, and TimeUpError at the time
    limit.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    if problem.bilinear or problem.rho is not None:
        raise AntcostError("entropy and rho are not linear: they need rules that form a chain")
    if not problem.size:
        progress.bounded(-inf)
        return
    starts = np.cumsum([0, *map(len, problem.layers)])
    score = np.concatenate([layer.score for layer in problem.layers])
    unit = float(np.abs(score).max()) or 1.0  # scores of about 1 suit the tolerances of HiGHS
    constraints = [LinearConstraint(*_flow(problem)), LinearConstraint(*_limits(problem))]
    if chain is not None:
        constraints += [LinearConstraint(*rows) for rows in _rules(problem, chain, rules, starts)]
    one = None
    while one is None:
        progress.stop_in_time()
        limit_s = progress.limit_s - progress.seconds
        result = milp(
            -score / unit,
            constraints=constraints,
            integrality=np.ones(len(score)),
            bounds=Bounds(0, 1),
            options={"mip_rel_gap": 0.0, **({"time_limit": limit_s} if limit_s < inf else {})},
        )
        if result.x is None:
            break
        chosen = np.flatnonzero(result.x > HALF)
        one = followed(problem, tuple(int(arc) for arc in chosen - starts[:-1]))
        taken = _rows(np.zeros(len(chosen)), chosen, np.ones(len(chosen)), (1, len(score)))
        constraints.append(LinearConstraint(taken, -inf, len(chosen) - 1))
    if one is not None:
        progress.found(one)
    if result.status in (OPTIMAL, INFEASIBLE):
        progress.bounded(progress.lower)  # excluded paths were beyond a limit
        return
    if result.mip_dual_bound is not None and np.isfinite(result.mip_dual_bound):
        progress.bounded(-result.mip_dual_bound * unit)
    raise TimeUpError


def _rows(row: Any, column: Any, values: Any, shape: tuple[int, int]) -> Any:
    """Return a sparse matrix."""
    from scipy.sparse import coo_array

    return coo_array((values, (row, column)), shape=shape).tocsr()


def _flow(problem: Problem) -> tuple[Any, Any, Any]:
    """Require one path from the first node, and as many ends as starts at inner nodes."""
    first = np.cumsum([0, *problem.nodes])
    source = np.concatenate([first[i] + layer.source for i, layer in enumerate(problem.layers)])
    target = np.concatenate([first[i + 1] + layer.target for i, layer in enumerate(problem.layers)])
    column, one = np.arange(len(source)), np.ones(len(source))
    matrix = _rows(
        np.append(source, target),
        np.append(column, column),
        np.append(one, -one),
        (int(first[-1]), len(source)),
    )
    leaving = np.arange(first[-2]) == 0
    return matrix[: first[-2]], leaving, leaving


def _limits(problem: Problem) -> tuple[Any, Any, Any]:
    """Return each cost within its limit, in units of the limit, and a little more."""
    costs = np.concatenate([layer.costs for layer in problem.layers]).T
    unit = np.maximum(np.abs(problem.limits), 1.0)
    return costs / unit[:, None], -inf, problem.limits / unit + TOLERANCE + HALF / unit


def _rules(
    problem: Problem, chain: Chain, rules: Sequence[Rule], starts: IntArray
) -> Iterator[tuple[Any, Any, Any]]:
    """Yield differences between the values in two stages, of all pairs that a rule speaks of."""
    for rule in rules:
        held, values = HeldRule(rule, {}), []
        for index in rule.fields:
            step, edges = chain.steps[index], problem.layers[index].edge
            numbers, position = held.numbers_of(index, step.choices, step.arcs)
            number = np.array(numbers, dtype=float)[position][step.arc[edges]]
            columns = starts[index] + np.arange(len(edges))
            values.append(_rows(np.zeros(len(edges)), columns, number, (1, int(starts[-1]))))
        most = rule.spread + HALF
        low = -inf if rule.kind == "non-decreasing" else -most
        pairs = combinations(values, 2) if rule.kind == "spread" else pairwise(values)
        yield from ((before - after, low, most) for before, after in pairs)
