"""The ids that are no text."""

PAD, UNK, BOS, EOS = 0, 1, 2, 3
