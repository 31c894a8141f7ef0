"""Blocks: short functions that emit layers, one file a family. Importing them registers them."""

from antcost.blocks import (
    ant,
    cells,
    condense,
    dense,
    flattened,
    highway,
    interleaved,
    mobile,
    plain,
    residual,
    shuffle,
    squeeze,
)

__all__ = [
    "ant",
    "cells",
    "condense",
    "dense",
    "flattened",
    "highway",
    "interleaved",
    "mobile",
    "plain",
    "residual",
    "shuffle",
    "squeeze",
]
