"""Makes what several benchmarks share importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for drawn_features, whatever pytest's import mode
