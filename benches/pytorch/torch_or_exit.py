"""Import PyTorch, or leave with exit code 3 and one line that a caller can show as its reason for skipping."""

import sys

try:
    import numpy  # noqa: F401
    import torch  # noqa: F401
except ImportError as missing:
    sys.stderr.write(f"PyTorch side skipped: the Python package `{missing.name}` is not installed\n")
    sys.exit(3)
