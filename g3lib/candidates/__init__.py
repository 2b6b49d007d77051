"""Geo-diversification: prompts, the LMM client, parsing, recorded responses.

Import from the modules: this file stays empty so that the stand-in's process starts quickly.
"""
