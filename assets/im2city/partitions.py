"""How GEM's work is cut: experiments, backbones, and other backbones x shards; and which photos it looks at."""

import dagster as dg

from assets.partitions import experiments_of
from g3lib.experiments import Experiment, Profile
from g3lib.experiments.gem import ENCODER, Gem


def gem_of(found: Experiment) -> Gem:
    """What names cities in an experiment of GEM's."""
    assert found.gem is not None, found.name
    return found.gem


def gems_of(profile: Profile) -> list[str]:
    """The profile's experiments of GEM's."""
    return [each.name for each in experiments_of(profile) if each.gem is not None]


def text_backbones_of(profile: Profile) -> list[str]:
    """Backbones whose text tower some experiment asks."""
    gems = (each.gem for each in experiments_of(profile))
    return list(dict.fromkeys(gem.backbone for gem in gems if gem is not None and gem.kind != "probe"))


def other_backbones_of(profile: Profile) -> list[str]:
    """Backbones, besides the profile's encoder, whose image features some experiment reads."""
    gems = (each.gem for each in experiments_of(profile))
    return list(dict.fromkeys(gem.backbone for gem in gems if gem is not None and gem.backbone != ENCODER))


def sources_of(profile: Profile) -> dict[str, str]:
    """The dataset of each source of training photos that some experiment names."""
    if profile.im2city is None:
        return {}
    used = [each.gem.training for each in experiments_of(profile) if each.gem is not None]
    return {source: name for source, name in profile.im2city.training.items() if source in used}


def training_datasets_of(profile: Profile) -> list[str]:
    """Those datasets, each once."""
    return list(dict.fromkeys(sources_of(profile).values()))


def datasets_of(profile: Profile) -> list[str]:
    """The datasets whose photos GEM looks at: to learn from, or as a benchmark."""
    return list(dict.fromkeys([*training_datasets_of(profile), *profile.benchmarks]))


def shards_of(profile: Profile) -> list[str]:
    """Their shards."""
    return [key for name in datasets_of(profile) for key in profile.dataset(name).partitions]


def backbone_shards_of(profile: Profile) -> list[str]:
    """Every such shard for every other backbone."""
    return [f"{name}|{shard}" for name in other_backbones_of(profile) for shard in shards_of(profile)]


def gems(profile: Profile) -> dg.PartitionsDefinition[str]:
    """One partition per experiment of GEM's."""
    return dg.StaticPartitionsDefinition(gems_of(profile))


def text_backbones(profile: Profile) -> dg.PartitionsDefinition[str]:
    """One partition per backbone whose text tower is asked."""
    return dg.StaticPartitionsDefinition(text_backbones_of(profile))


def backbone_shards(profile: Profile) -> dg.MultiPartitionsDefinition:
    """Image features of other backbones: every shard that GEM looks at."""
    names = dg.StaticPartitionsDefinition(other_backbones_of(profile))
    shards = dg.StaticPartitionsDefinition(shards_of(profile))
    return dg.MultiPartitionsDefinition({"backbone": names, "shard": shards})
