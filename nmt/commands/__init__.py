"""The commands, one file for each that a user types; the only place that sees a config.

Start reading at train.py: config -> corpus -> tokenizer -> batches -> model -> trainer.
"""
