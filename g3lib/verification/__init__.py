"""Geo-verification: candidates scored by image-GPS similarity, one chosen per photo (paper section 3.2)."""

from g3lib.verification.choosing import choose
from g3lib.verification.pool import choose_pool, in_pool, is_in_pool, pool_grid
from g3lib.verification.scoring import score, similarities, usable

__all__ = ["choose", "choose_pool", "in_pool", "is_in_pool", "pool_grid", "score", "similarities", "usable"]
