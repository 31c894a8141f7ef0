"""The fields of each block's stages, which follow from the signature of its function."""

import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_type_hints

from pydantic import create_model

from antcost.blocks.registry import block_function, block_names
from antcost.sources.specs.model import Stage


@cache
def stage_model(name: str) -> type[Stage]:
    """Return the fields of a block's stages: the keyword arguments of its function.

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
    """The stage models by the names of their blocks, made when first asked for."""

    def __getitem__(self, name: str) -> type[Stage]:
        return stage_model(name)

    def __contains__(self, name: object) -> bool:
        return name in block_names()

    def __iter__(self) -> Iterator[str]:
        return iter(block_names())

    def __len__(self) -> int:
        return len(block_names())


STAGE_MODELS: Mapping[str, type[Stage]] = _StageModels()
