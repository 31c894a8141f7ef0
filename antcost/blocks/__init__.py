"""Blocks: short functions that emit layers, one file a family. Importing them registers them."""

from antcost.blocks import ant, condense, mobile, plain, shuffle, squeeze

__all__ = ["ant", "condense", "mobile", "plain", "shuffle", "squeeze"]
