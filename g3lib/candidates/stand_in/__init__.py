"""The stand-in LMM: a local server of the OpenAI protocol, which can be told to misbehave.

The demo's LMM, and what an LMM client is tested against. `python -m g3lib.candidates.stand_in --help`
lists what it can be told. Import from the modules: this file stays empty so that its process starts
quickly.
"""
