"""Shows evaluations as tables and plots.

Start reading at comparison.py.
"""
