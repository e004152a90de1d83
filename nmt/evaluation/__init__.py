"""How good translations are, overall and by sentence length: knows only text and numbers."""
