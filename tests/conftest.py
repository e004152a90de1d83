import os

# Tensors of tests are tiny: a second thread costs more than it gives, and far more on a busy
# machine. Set before torch is imported; commands that a test runs inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
