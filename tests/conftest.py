import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Tensors of tests are tiny: a second thread costs more than it gives, and far more on a busy
# machine. Set before torch is imported; commands that a test runs inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What is imported and collected stays: to look again and again for what does not takes a tenth
# of the time. nmt's commands set the same.
gc.set_threshold(100_000)

# The many commands that tests start would each compile all of nmt anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz", type=int, help="new random cases for each test of test_fuzzed.py")


def pytest_configure(config: pytest.Config) -> None:
    """The suite tries the same few cases every time, and keeps no record of them."""
    cases = config.getoption("--fuzz")
    options = {"deadline": None, "database": None, "suppress_health_check": [*HealthCheck]}
    settings.register_profile("few", max_examples=25, derandomize=True, **options)
    settings.register_profile("many", max_examples=cases or 1, **options)
    settings.load_profile("many" if cases else "few")


LONGEST = ("test_processors.py", "test_kills.py", "test_wheel.py", "test_end_to_end.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests that take longest begin first: with one that began last, the end of all would
    wait for it while the other processors have nothing to do."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session", autouse=True)
def _kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Composed configs are kept for all tests; prepared corpora go to a directory of the tests'
    own, in their processes too."""
    from tests.composing import composed_once  # imported after the environment is set above

    with pytest.MonkeyPatch.context() as patch, composed_once():
        patch.setenv("NMT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _errors_are_worded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command sets this in its process, and others that a test starts there would inherit it."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
