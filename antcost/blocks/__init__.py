"""Blocks: short functions that emit layers, one file a family. Importing them registers them."""

from antcost.blocks import (
    ant,
    condense,
    ghost,
    inception,
    mobile,
    plain,
    shuffle,
    squeeze,
    xception,
)

__all__ = [
    "ant",
    "condense",
    "ghost",
    "inception",
    "mobile",
    "plain",
    "shuffle",
    "squeeze",
    "xception",
]
