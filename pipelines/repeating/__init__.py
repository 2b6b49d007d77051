"""A measured number again: from its record to a home of its own, in the code that made it, and the two compared.

recorded.py reads what was recorded, checkout.py finds the code, fresh_home.py lays out what is not repeated,
conducting.py (a process of its own, in that code) makes the rest, comparing.py judges.
"""


class NotRepeatable(RuntimeError):
    """A number that cannot be made again; the message names what is lacking and the remedy."""


class NotNamed(NotRepeatable):
    """An experiment, step or folder that was asked for and cannot be."""
