from tests.commands.conftest import composed

__all__ = ["composed"]
