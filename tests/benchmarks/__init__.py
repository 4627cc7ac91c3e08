"""Figures against named peers: ``python -m tests.benchmarks.NAME --json``, on one thread.

Libraries read the number of their threads once, when they are loaded; so it stands here, before any
of them. Peers come with ``pip install -e '.[bench]'``.
"""

import os

for variable in (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
):
    os.environ[variable] = "1"
