"""Frozen CLIP features of photos and captions, computed once; and the encoder that computes them."""
