"""How long fuzzers run: bounded where every change is checked, long by hand.

AIW_FUZZ_RUNS=200000 python -m pytest tests/test_fuzz.py tests/test_scanner.py      long
python -m pytest tests/test_fuzz.py --hypothesis-seed=7                             the same examples again
"""

from __future__ import annotations

import os

_WANTED = int(os.environ.get("AIW_FUZZ_RUNS", "0"))


def runs(usual: int) -> int:
    """How many examples to try."""
    return max(usual, _WANTED)
