"""Asking an OpenAI-compatible endpoint: pace, retries, budget, transports, and a record of every answer.

Which questions there are is planning.py's business.
"""

from g3lib.candidates.asking.asking import ask_all
from g3lib.candidates.asking.items import Asked, Item

__all__ = ["Asked", "Item", "ask_all"]
