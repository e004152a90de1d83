"""Loss, schedule, checkpoints and the training loop. The caller says how to validate.

Start reading at trainer.py.
"""
