"""What is tried, as data: experiments, the profiles that size them, and the published numbers."""

from g3lib.experiments.alignment import HEADS, AlignmentSettings
from g3lib.experiments.catalogue import EXPERIMENTS, experiment, open_arm
from g3lib.experiments.experiment import ALIGNMENTS, GALLERIES, POLICIES, Experiment, Prompt
from g3lib.experiments.profile import Profile

__all__ = [
    "ALIGNMENTS",
    "EXPERIMENTS",
    "GALLERIES",
    "HEADS",
    "POLICIES",
    "AlignmentSettings",
    "Experiment",
    "Profile",
    "Prompt",
    "experiment",
    "open_arm",
]
