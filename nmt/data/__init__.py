"""From parallel text to padded batches; knows no model.

Start reading at corpus.py; sources/ reads every format, cleaning.py says what is dropped.
"""
