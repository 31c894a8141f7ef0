"""How fast antcost counts, beside fvcore and torch, as ratios in one run.

Run: .venv/bin/python benchmarks/counting.py
"""
