"""Which layer of one network is which layer of another."""

from collections import deque
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from antcost.cost.analysis import NetCost, Row
from antcost.graph import layers as L
from antcost.graph.shape import Shape


def pairs(a: NetCost, b: NetCost) -> Iterator[tuple[Row | None, Row | None]]:
    """Yield the layers of two networks side by side.

    Stages are paired by name, those of other names by position. In a stage, layers are paired by
    block and name, and those of a block without a partner by what they do.
    """
    stages_a, stages_b = _stages(a), _stages(b)
    names_a, names_b = list(stages_a), list(stages_b)
    for tag, a0, a1, b0, b1 in _matches(names_a, names_b):
        if tag == "equal" or a1 - a0 == b1 - b0:
            for name_a, name_b in zip(names_a[a0:a1], names_b[b0:b1], strict=True):
                yield from _layer_pairs(stages_a[name_a], stages_b[name_b])
        else:
            yield from ((row, None) for name in names_a[a0:a1] for row in stages_a[name])
            yield from ((None, row) for name in names_b[b0:b1] for row in stages_b[name])


def _stages(cost: NetCost) -> dict[str, list[Row]]:
    stages: dict[str, list[Row]] = {}
    for row in cost.layers:
        stages.setdefault(row.nodes[0].origin.stage, []).append(row)
    return stages


def _layer_pairs(a: list[Row], b: list[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    left = {_position(row): row for row in a}
    partners = {row.name: left.pop(_position(row)) for row in b if _position(row) in left}
    alike: dict[object, deque[Row]] = {}
    for row in left.values():
        alike.setdefault((_position(row)[0], work(row)), deque()).append(row)
    for row in b:
        twins = alike.get((_position(row)[0], work(row)))
        if row.name not in partners and twins:
            partners[row.name] = twins.popleft()
    # A layer of B goes by the name of its partner in A, so that both orders can be kept.
    keys_b = {partners[row.name].name if row.name in partners else f"+{row.name}": row for row in b}
    keys_a = {row.name: row for row in a}
    order = dict.fromkeys(
        key
        for _, a0, a1, b0, b1 in _matches(list(keys_a), list(keys_b))
        for key in (*list(keys_a)[a0:a1], *list(keys_b)[b0:b1])
    )
    return ((keys_a.get(key), keys_b.get(key)) for key in order)


def _matches(a: list[str], b: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, a, b, autojunk=False).get_opcodes()


def _position(row: Row) -> tuple[int, str]:
    """Return block and name of a layer in its stage: equal in two variants of a network."""
    node = row.nodes[0]
    return node.origin.index, node.name.removeprefix(node.origin.name)


def work(row: Row) -> tuple[L.Layer, tuple[Shape, ...]]:
    """Return what a layer does, wherever it stands."""
    return row.nodes[0].layer, row.nodes[0].input_shapes
