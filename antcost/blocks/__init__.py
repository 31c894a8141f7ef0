"""Blocks: short functions that emit layers, one file a family. Importing them registers them."""

from antcost.blocks import (
    ant,
    cells,
    condense,
    dense,
    flattened,
    ghost,
    highway,
    inception,
    interleaved,
    mobile,
    plain,
    residual,
    shuffle,
    squeeze,
    xception,
)

__all__ = [
    "ant",
    "cells",
    "condense",
    "dense",
    "flattened",
    "ghost",
    "highway",
    "inception",
    "interleaved",
    "mobile",
    "plain",
    "residual",
    "shuffle",
    "squeeze",
    "xception",
]
