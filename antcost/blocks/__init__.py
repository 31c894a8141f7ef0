"""Blocks: short functions that emit layers, one file a family. Importing them registers them."""

from antcost.blocks import ant, cells, condense, mobile, plain, shuffle, squeeze

__all__ = ["ant", "cells", "condense", "mobile", "plain", "shuffle", "squeeze"]
