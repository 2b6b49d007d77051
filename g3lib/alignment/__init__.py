"""Geo-alignment: small heads that bring a photo's CLIP feature to its place name and its position."""
