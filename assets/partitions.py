"""How work is cut: shards, galleries, alignments, benchmark x gallery and benchmark x experiment.

Partition keys of two dimensions read `benchmark|other`: Dagster orders dimensions by name.
"""

from collections.abc import Sequence

import dagster as dg

from g3lib.experiments import ALIGNMENTS, GALLERIES, HEADS, Experiment, Profile, experiment, open_arm

OFFICIAL = "official"  # the gallery whose references are the published retrieval arrays


def experiments_of(profile: Profile) -> list[Experiment]:
    """The profile's experiments and their arms, with KeyError for a name that is not in the catalogue."""
    return [experiment(name) for name in profile.arms]


def galleries_of(profile: Profile) -> list[str]:
    """The galleries that some experiment retrieves from."""
    used = {each.gallery for each in experiments_of(profile)}
    return [gallery for gallery in GALLERIES if gallery in used]


def indexed_galleries_of(profile: Profile) -> list[str]:
    """The galleries that are searched here; the official references were retrieved by their authors."""
    return [gallery for gallery in galleries_of(profile) if gallery != OFFICIAL]


def benchmark_galleries_of(profile: Profile) -> list[str]:
    """Every benchmark in every gallery."""
    return [f"{benchmark}|{gallery}" for benchmark in profile.benchmarks for gallery in galleries_of(profile)]


def alignments_of(profile: Profile) -> list[str]:
    """The trained heads that some gallery or verifier needs."""
    verifying = {each.alignment for each in experiments_of(profile) if each.verifies}
    used = verifying | set(galleries_of(profile))
    return [alignment for alignment in ALIGNMENTS if alignment in used]


def chosen_pools_of(profile: Profile) -> list[str]:
    """The experiments whose N and S are chosen on held-out authors; all arms of one share its choice."""
    return list(
        dict.fromkeys(open_arm(each.name) for each in experiments_of(profile) if each.pool == "chosen")
    )


def captions_of(profile: Profile) -> list[str]:
    """The caption columns that some heads are trained on."""
    return sorted({HEADS[alignment].captions for alignment in alignments_of(profile)})


def shards(profile: Profile) -> dg.PartitionsDefinition[str]:
    """One partition per shard of every dataset."""
    return dg.StaticPartitionsDefinition(profile.shards())


def datasets(profile: Profile) -> dg.StaticPartitionsDefinition:
    """One partition per dataset."""
    return dg.StaticPartitionsDefinition([dataset.name for dataset in profile.datasets])


def dataset_of_shard(profile: Profile) -> dg.PartitionMapping:
    """A shard needs its dataset's facts."""
    return dg.StaticPartitionMapping({dataset.name: dataset.partitions for dataset in profile.datasets})


def galleries(profile: Profile) -> dg.StaticPartitionsDefinition:
    """One partition per gallery embedding that is indexed."""
    return dg.StaticPartitionsDefinition(indexed_galleries_of(profile))


def captions(profile: Profile) -> dg.StaticPartitionsDefinition:
    """One partition per caption column."""
    return dg.StaticPartitionsDefinition(captions_of(profile))


def captions_of_alignments(profile: Profile) -> dg.PartitionMapping:
    """Heads need the features of the captions they are trained on."""
    downstream: dict[str, list[str]] = {column: [] for column in captions_of(profile)}
    for alignment in alignments_of(profile):
        downstream[HEADS[alignment].captions].append(alignment)
    return dg.StaticPartitionMapping(downstream)


def chosen_pools(profile: Profile) -> dg.StaticPartitionsDefinition:
    """One partition per experiment whose N and S are chosen."""
    return dg.StaticPartitionsDefinition(chosen_pools_of(profile))


def alignments(profile: Profile) -> dg.StaticPartitionsDefinition:
    """One partition per set of trained heads."""
    return dg.StaticPartitionsDefinition(alignments_of(profile))


def benchmark_gallery(profile: Profile) -> dg.MultiPartitionsDefinition:
    """References: every benchmark's queries in every gallery."""
    benchmarks = dg.StaticPartitionsDefinition(profile.benchmarks)
    retrieved = dg.StaticPartitionsDefinition(galleries_of(profile))
    return dg.MultiPartitionsDefinition({"benchmark": benchmarks, "gallery": retrieved})


def benchmark_experiment(profile: Profile) -> dg.MultiPartitionsDefinition:
    """Candidates to accuracy: every benchmark in every experiment."""
    benchmarks = dg.StaticPartitionsDefinition(profile.benchmarks)
    names = dg.StaticPartitionsDefinition(list(profile.arms))
    return dg.MultiPartitionsDefinition({"benchmark": benchmarks, "experiment": names})


def split(partition: str | None) -> tuple[str, str]:
    """(benchmark, gallery or experiment) of a two-dimensional partition key."""
    benchmark, _, other = (partition or "").partition("|")
    return benchmark, other


def only(keys: Sequence[str]) -> dg.PartitionMapping:
    """Every downstream partition needs just these upstream ones."""
    return dg.SpecificPartitionsPartitionMapping(list(keys))


def references_of_experiments(profile: Profile) -> dg.PartitionMapping:
    """benchmark x experiment needs benchmark x the gallery that the experiment retrieves from."""
    wanted = {each.name: each.gallery for each in experiments_of(profile)}
    upstream: dict[str, set[str]] = {gallery: set() for gallery in galleries_of(profile)}
    for name, gallery in wanted.items():
        if gallery is not None:
            upstream[gallery].add(name)
    return dg.MultiPartitionMapping(
        {
            "benchmark": dg.DimensionPartitionMapping("benchmark", dg.IdentityPartitionMapping()),
            "gallery": dg.DimensionPartitionMapping("experiment", dg.StaticPartitionMapping(upstream)),
        }
    )
