"""Toy trainings for this room's tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for toy_alignment, whatever pytest's import mode
