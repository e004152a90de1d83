"""What ``scripts/benchmark.py`` measures: whole commands as a user runs them, and decoding."""
