"""Prompts and label sets of zero-shot GEM and StreetCLIP, as files; and the texts that labels become."""

from g3lib.im2city.prompts.populous import populous_cities, streetclip_countries
from g3lib.im2city.prompts.templates import Recorded, Template, recorded, template, templates
from g3lib.im2city.prompts.texts import UnfinishedPrompt, prompt_texts

__all__ = [
    "Recorded",
    "Template",
    "UnfinishedPrompt",
    "populous_cities",
    "prompt_texts",
    "recorded",
    "streetclip_countries",
    "template",
    "templates",
]
