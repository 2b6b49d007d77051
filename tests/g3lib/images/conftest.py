"""Lets the tests of this folder import `pictures.py` beside this file."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # whatever pytest's import mode
