"""The Hydra application: launching a command, checking options, help. Knows no command.

Start reading at app.py.
"""
