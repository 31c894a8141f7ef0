"""Shapes, layers, the Graph, and the tape that records layers while a graph is built."""
