"""IM2City: GEM names the city of a photo, by prompts (zero-shot) or by a linear layer on image features (probe)."""
