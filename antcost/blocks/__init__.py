"""Blocks: short functions that emit layers, one file a family."""
