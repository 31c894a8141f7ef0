"""The same search as a mixed-integer linear program, for HiGHS inside of SciPy.

One binary variable a way; as many ways lead to a node as from it. Rules are linear in the values of
their stages, so they need no states here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Any

import numpy as np

from antcost.errors import AntcostError
from antcost.search.chain import Chain, HeldRule
from antcost.search.problem import Problem
from antcost.search.progress import Progress, TimeUpError
from antcost.search.rules import Rule
from antcost.search.solve import followed
from antcost.search.transitions import FloatArray
from antcost.search.vectorized import IntArray

OPTIMAL, INFEASIBLE = 0, 2
TOLERANCE = 2e-6
"""HiGHS may miss a constraint by 1e-6; wider ones lose no solution to that."""
HALF = 0.5
"""Between integers there is this much room on either side."""


@dataclass(frozen=True, slots=True)
class Row:
    """A linear constraint: `low <= sum of coefficients * variables <= high`."""

    columns: IntArray
    coefficients: FloatArray
    low: float
    high: float


def solve_milp(
    problem: Problem, progress: Progress, chain: Chain | None = None, rules: Sequence[Rule] = ()
) -> None:
    """Find the path that is worth most under the rules; what is known is in `progress` at the end.

    HiGHS gets limits that are a little wider than its tolerance. Its solution is followed through
    the problem, exactly, and if it is beyond a limit, it is excluded and the rest solved again.
    Raises
    AntcostError for entropy and rho, which are not linear, and TimeUpError at the time limit.
    """
    if problem.bilinear or problem.rho is not None:
        raise AntcostError("entropy and rho are not linear: they need rules that form a chain")
    if not problem.size:
        progress.bounded(-inf)
        return
    starts = np.cumsum([0, *map(len, problem.layers)])
    rows = [*_flow_rows(problem, starts), *_limit_rows(problem, starts)]
    size = int(starts[-1])
    for rule in rules:
        assert chain is not None
        made, spent = _rule_rows(problem, chain, rule, starts, size)
        rows += made
        size += spent
    score = np.concatenate([layer.score for layer in problem.layers])
    one = None
    while one is None:
        progress.stop_in_time()
        result = _highs(score, rows, size, progress.limit_s - progress.seconds)
        if result.x is None:
            break
        chosen = np.flatnonzero(result.x[: len(score)] > 0.5)
        one = followed(problem, tuple(int(way) for way in chosen - starts[:-1]))
        rows.append(Row(chosen, np.ones(len(chosen)), -inf, len(chosen) - 1))
    if one is not None:
        progress.found(one)
    _note_status(result, progress, score)


def _highs(score: FloatArray, rows: Sequence[Row], size: int, limit_s: float) -> Any:
    """Let HiGHS choose ways, the first of `size` variables, for the largest sum of scores."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array

    columns = np.concatenate([row.columns for row in rows])
    numbers = np.repeat(np.arange(len(rows)), [len(row.columns) for row in rows])
    coefficients = np.concatenate([row.coefficients for row in rows])
    matrix = coo_array((coefficients, (numbers, columns)), shape=(len(rows), size)).tocsr()
    binary = np.arange(size) < len(score)
    return milp(
        np.append(-score / _unit(score), np.zeros(size - len(score))),
        constraints=LinearConstraint(matrix, [row.low for row in rows], [row.high for row in rows]),
        integrality=binary.astype(int),
        bounds=Bounds(np.where(binary, 0.0, -inf), np.where(binary, 1.0, inf)),
        options={"mip_rel_gap": 0.0, **({"time_limit": limit_s} if limit_s < inf else {})},
    )


def _unit(score: FloatArray) -> float:
    """What makes scores about 1, in which HiGHS has its tolerances."""
    return float(np.abs(score).max()) or 1.0


def _note_status(result: Any, progress: Progress, score: FloatArray) -> None:
    """What HiGHS has proven; excluded paths were beyond a limit, so they change no bound."""
    if result.status in (OPTIMAL, INFEASIBLE):
        progress.bounded(progress.lower)
        return
    if result.mip_dual_bound is not None and np.isfinite(result.mip_dual_bound):
        progress.bounded(-result.mip_dual_bound * _unit(score))
    raise TimeUpError


def _flow_rows(problem: Problem, starts: IntArray) -> list[Row]:
    """One path leaves the first node, and at every other node as many end as start."""
    first = np.arange(len(problem.layers[0]))
    rows = [Row(first, np.ones(len(first)), 1, 1)]
    for index, (layer, behind) in enumerate(
        zip(problem.layers[:-1], problem.layers[1:], strict=True)
    ):
        for node in range(problem.nodes[index + 1]):
            ending = np.flatnonzero(layer.target == node)
            starting = np.flatnonzero(behind.source == node)
            columns = np.concatenate([starts[index] + ending, starts[index + 1] + starting])
            signs = np.concatenate([np.ones(len(ending)), -np.ones(len(starting))])
            rows.append(Row(columns, signs, 0, 0))
    return rows


def _limit_rows(problem: Problem, starts: IntArray) -> list[Row]:
    """Each cost within its limit, in units of the limit, and a little more."""
    rows = []
    for number, limit in enumerate(problem.limits):
        costs = np.concatenate([layer.costs[:, number] for layer in problem.layers])
        unit = max(abs(float(limit)), 1.0)
        wider = float(limit) / unit + TOLERANCE + HALF / unit
        rows.append(Row(np.arange(starts[-1]), costs / unit, -inf, wider))
    return rows


def _rule_rows(
    problem: Problem, chain: Chain, rule: Rule, starts: IntArray, free: int
) -> tuple[list[Row], int]:
    """A rule as constraints, and how many further variables from number `free` on it takes."""
    held = HeldRule(rule, {})
    terms = []
    for index in rule.fields:
        step, edges = chain.steps[index], problem.layers[index].edge
        numbers, position = held.numbers_of(index, step.choices, step.ways)
        values = np.array(numbers, dtype=float)[position][step.way[edges]]
        terms.append((starts[index] + np.arange(len(edges)), values))
    if rule.kind == "spread":
        low, high = free, free + 1
        rows = [Row(np.array([high, low]), np.array([1.0, -1.0]), 0, rule.spread + HALF)]
        for columns, values in terms:
            rows.append(Row(np.append(columns, high), np.append(values, -1.0), -inf, 0))
            rows.append(Row(np.append(columns, low), np.append(values, -1.0), 0, inf))
        return rows, 2
    return [
        Row(
            np.concatenate([columns, next_columns]),
            np.concatenate([values, -next_values]),
            -HALF if rule.kind == "equal" else -inf,
            HALF,
        )
        for (columns, values), (next_columns, next_values) in pairwise(terms)
    ], 0
