"""The blocks by name, and the stage model that each block's signature defines."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Concatenate, TypeVar, get_type_hints

from pydantic import create_model

from antcost.graph.tape import Tape, Tensor
from antcost.spec.model import Stage

ENTRY_POINTS = "antcost.blocks"
Block = Callable[Concatenate[Tape, Tensor, ...], Tensor]
B = TypeVar("B", bound=Callable[..., Tensor])

_built_in: dict[str, Block] = {}


def block(name: str) -> Callable[[B], B]:
    """Register a built-in block under the name that specs call it by."""

    def register(function: B) -> B:
        assert name not in _built_in, f"two blocks are called {name}"
        _built_in[name] = function
        return function

    return register


@cache
def _third_party() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


@cache
def block_function(name: str) -> Block:
    """The function of a block. Raises KeyError if there is none."""
    function: Block = _built_in[name] if name in _built_in else _third_party()[name].load()
    return function


@cache
def stage_model(name: str) -> type[Stage]:
    """The fields of a block's stages: the keyword arguments of its function.

    Raises KeyError if there is no such block.
    """
    function = block_function(name)
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {
        parameter.name: (
            hints[parameter.name],
            ... if parameter.default is inspect.Parameter.empty else parameter.default,
        )
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    return create_model(f"{name} stage", __base__=Stage, __doc__=function.__doc__, **fields)


class _StageModels(Mapping[str, type[Stage]]):
    """Stage models by block name, made when first asked for."""

    def __getitem__(self, name: str) -> type[Stage]:
        return stage_model(name)

    def __contains__(self, name: object) -> bool:
        return name in _built_in or name in _third_party()

    def __iter__(self) -> Iterator[str]:
        return iter({**_built_in, **_third_party()})

    def __len__(self) -> int:
        return len({**_built_in, **_third_party()})


STAGE_MODELS: Mapping[str, type[Stage]] = _StageModels()
