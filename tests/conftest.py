import os
from collections.abc import Iterator

import pytest

# Tensors of tests are tiny: a second thread costs more than it gives, and far more on a busy
# machine. Set before torch is imported; commands that a test runs inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The many commands that tests start would each compile all of nmt anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Prepared corpora go to a directory of the tests' own, in their processes too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NMT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
