"""Closed forms: the formulas of blocks, stages and networks, in symbols."""
