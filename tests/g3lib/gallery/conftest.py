"""Makes the small gallery importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for toy_gallery, whatever pytest's import mode
