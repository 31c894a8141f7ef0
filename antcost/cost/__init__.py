"""Counts, formulas, conventions, memory, and the analysis of a graph by layer, block or stage."""
