"""What text is made of: spaces and signs written alike, sentences, words, spans to be copied.

Start with ``normalization.py``; ``nmt/translator`` puts the parts to use.
"""
