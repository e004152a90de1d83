"""A synchronous English-French grammar that writes the embedded corpus with its gold alignment.

One abstract tree (`tree`) is drawn at random (`phrases`, `tenses`, `predicates`, `clauses`,
`sentences`) and realised twice (`realise_english`, `realise_french`). Every token carries links,
pairs of a tree node and a role in it; two words are aligned when they share a link (`words`).
`corpus` draws the splits.
"""
