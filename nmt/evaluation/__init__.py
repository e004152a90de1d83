"""Scores translations, overall and by sentence length. Knows only text and numbers.

Start reading at evaluation.py.
"""
