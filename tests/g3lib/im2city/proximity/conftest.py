"""Makes what several tests share importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for drawn_labels, whatever pytest's import mode
