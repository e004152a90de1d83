"""Finds likely translations. Knows of a model only what models/interface.py says.

Start reading at base.py, then greedy.py.
"""
