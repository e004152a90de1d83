from tests.launching import _logging_restored, command

__all__ = ["_logging_restored", "command"]
