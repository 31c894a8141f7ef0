"""Blocks: short functions that emit layers, one file a family. Importing them registers them."""

from antcost.blocks import ant, mobile, plain

__all__ = ["ant", "mobile", "plain"]
