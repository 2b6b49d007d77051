"""`g3 doctor`: what this machine has and lacks for a profile, each lack with its remedy."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from g3lib.experiments import Profile, experiment
from g3lib.experiments.datasets import (
    ArchiveSource,
    BlueMarbleSource,
    Dataset,
    FolderSource,
    MultimediaCommonsSource,
    PlacePulseSource,
    UrlListSource,
    WebDatasetSource,
)
from g3lib.experiments.experiment import DEFAULT_LMM
from g3lib.experiments.lmm import LmmSettings
from g3lib.images.sources import source_of
from g3lib.store import Home
from pipelines.commands.failures import CommandFailed
from pipelines.commands.run import settings
from pipelines.settings import profile_names

GIGABYTE = 1e9
PACKAGES = ("dagster", "torch", "open_clip_torch", "polars", "duckdb", "openai", "mlflow")


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `needed` is False for what only makes a run faster or nicer."""

    what: str
    found: str
    ok: bool
    remedy: str = ""
    needed: bool = True


def examine(name: str | None) -> None:
    """Print the findings of one profile or all; CommandFailed if something needed is lacking."""
    from rich.console import Console
    from rich.table import Table

    names = [name] if name else profile_names()
    lacking = []
    for each in names:
        profile, home = settings(each)
        table = Table(title=f"profile {profile.name}, home {home.root}")
        for column in ("", "what", "found", "remedy"):
            table.add_column(column, overflow="fold")  # a cut path is of no use
        for finding in findings(profile, home):
            mark = "ok" if finding.ok else ("LACKS" if finding.needed else "-")
            table.add_row(mark, finding.what, finding.found, "" if finding.ok else finding.remedy)
            if finding.needed and not finding.ok:
                lacking.append(f"{profile.name}: {finding.what}")
        Console().print(table)
    # a lack of a profile that was not asked for is news, not a failure
    if lacking and name:
        raise CommandFailed("lacking for " + "; ".join(lacking))


def findings(profile: Profile, home: Home) -> Iterator[Finding]:
    """Everything looked at, in the order of use."""
    python = sys.version_info
    yield Finding("Python", sys.version.split()[0], (3, 11) <= python[:2] < (3, 14), "use 3.11 to 3.13")
    yield from (_package(name) for name in PACKAGES)
    yield _faiss()
    yield _memory()
    yield _disk(profile, home)
    yield _gpu(profile)
    yield from _incoming(profile, home)
    yield _encoder(profile, home)
    yield from _gem(profile, home)
    yield from _heads(profile, home)
    yield from _official_references(profile, home)
    yield from _lmms(profile)
    yield _notifications(profile)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    yield Finding("Chromium", chromium or "none", bool(chromium), "for the page test only", needed=False)


def _package(name: str) -> Finding:
    try:
        return Finding(name, version(name), True)
    except PackageNotFoundError:
        return Finding(name, "not installed", False, "make install")


def _faiss() -> Finding:
    for name in ("faiss-gpu", "faiss-cpu"):
        finding = _package(name)
        if finding.ok:
            return Finding(name, finding.found, True)
    return Finding("faiss", "not installed", False, "make install")


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIGABYTE
    return Finding("memory", f"{total:.0f} GB", total >= 4, "at least 4 GB")


def _disk(profile: Profile, home: Home) -> Finding:
    """Photos at the size of their source, and again as much for what is made of them."""
    folder = next(path for path in (home.root, *home.root.parents) if path.exists())
    free = shutil.disk_usage(folder).free / GIGABYTE
    photos = sum(dataset.shards * dataset.photos_per_shard for dataset in profile.datasets)
    kilobytes = 10 if all(isinstance(d.source, BlueMarbleSource) for d in profile.datasets) else 100
    wanted = max(photos * kilobytes / 1e6, 1.0)
    return Finding("disk", f"{free:.0f} GB free", free >= wanted, f"{wanted:.0f} GB: set G3_HOME")


def _gpu(profile: Profile) -> Finding:
    import torch

    there = torch.cuda.is_available()
    found = torch.cuda.get_device_name() if there else "none"
    remedy = "set G3_DEVICE=cpu (slow), or run on a machine with a GPU"
    return Finding("GPU", found, there, remedy, needed=profile.device.startswith("cuda"))


def _incoming(profile: Profile, home: Home) -> Iterator[Finding]:
    """What a dataset's owner asks, and what has to be brought."""
    for dataset in profile.datasets:
        terms, folder = source_of(dataset).terms, home.root / "incoming" / dataset.folder
        what, found = f"photos of {dataset.name}", f"{dataset.source.kind}: {terms.note}"
        if terms.account is not None:
            there = bool(os.environ.get("HF_TOKEN")) or any(folder.glob("*"))
            yield Finding(what, found, there, f"{terms.account}; or bring its files to {folder}")
            continue
        brought = [*_brought(dataset, folder), *_cities(dataset, folder)]
        missing = [str(path) for path in brought if not path.exists()]
        yield Finding(what, found, not missing, f"bring {', '.join(missing)} (docs/datasets.md)")


def _brought(dataset: Dataset, folder: Path) -> list[Path]:
    """The files and folders that a source of this kind asks its user for."""
    source = dataset.source
    if isinstance(source, FolderSource):
        return [Path(source.path)]
    if isinstance(source, WebDatasetSource):
        metadata = "metadata.parquet" if (folder / "metadata.parquet").exists() else "metadata.csv"
        tars = sorted(folder.glob("*.tar"))[: dataset.shards]
        return [folder / metadata, *(tars or [folder / "*.tar"])]
    if isinstance(source, UrlListSource):
        return [folder / source.urls, folder / source.metadata]
    if isinstance(source, MultimediaCommonsSource):
        return [folder / source.metadata]
    if isinstance(source, ArchiveSource):
        return [folder / source.archive, folder / source.metadata]
    if isinstance(source, PlacePulseSource):
        return [folder / source.votes, folder / source.archive]
    return []


def _cities(dataset: Dataset, folder: Path) -> list[Path]:
    """The file of the user's own cities that a dataset lies in."""
    from g3lib.images.metadata.within import own_cities

    path = None if dataset.within is None else own_cities(dataset.within, folder)
    return [] if path is None else [path]


def _encoder(profile: Profile, home: Home) -> Finding:
    from g3lib.features.files import is_weights_file

    settings_ = profile.encoder
    if settings_.training is not None:
        return Finding("encoder", f"{settings_.architecture}, trained here", True)
    if is_weights_file(settings_.pretrained):
        return _file("encoder", home.root / "incoming" / str(settings_.pretrained))
    return Finding("encoder", f"{settings_.architecture}/{settings_.pretrained}, fetched on first use", True)


def _gem(profile: Profile, home: Home) -> Iterator[Finding]:
    """Other backbones, and label sets of one's own, where an experiment of GEM's needs them."""
    from assets.im2city.labels import own_labels
    from assets.im2city.partitions import gems_of, other_backbones_of
    from g3lib.features.files import is_weights_file

    if not gems_of(profile) or profile.im2city is None:
        return
    if (path := own_labels(profile, home)) is not None:
        yield _file("labels of GEM", path)
    for name in other_backbones_of(profile):
        settings_ = profile.im2city.backbones[name]
        if is_weights_file(settings_.pretrained):
            yield _file(f"backbone {name}", home.root / "incoming" / settings_.pretrained)
        else:
            origin = "untrained" if settings_.pretrained == "random" else "fetched on first use"
            yield Finding(
                f"backbone {name}", f"{settings_.architecture}/{settings_.pretrained}, {origin}", True
            )


def _heads(profile: Profile, home: Home) -> Iterator[Finding]:
    """Weights of others that Geo-alignment begins with, or is."""
    from g3lib.alignment.checkpoints import MissingWeights, find_geoclip_weights

    settings_ = profile.alignment
    if settings_.pretrained is not None:
        yield _file("Geo-alignment", home.root / "incoming" / settings_.pretrained)
    if settings_.location_init == "geoclip":
        try:
            found = find_geoclip_weights(home.root / "incoming")
            yield Finding("GeoCLIP's GPS encoder", str(found), True)
        except MissingWeights as problem:
            yield Finding("GeoCLIP's GPS encoder", "none", False, str(problem))


def _official_references(profile: Profile, home: Home) -> Iterator[Finding]:
    """The published retrieval arrays, where an experiment uses them."""
    from assets.partitions import OFFICIAL, galleries_of
    from assets.references import official_files

    if OFFICIAL in galleries_of(profile):
        for benchmark in profile.benchmarks:
            for path in official_files(home, benchmark):
                yield _file(f"references of {benchmark}", path)


def _file(what: str, path: Path) -> Finding:
    there = path.is_file()
    return Finding(what, path.name if there else "none", there, f"bring {path} (docs/alignment.md)")


def _lmms(profile: Profile) -> Iterator[Finding]:
    """The LMM that experiments ask by default, and the others that some of them name."""
    named = dict.fromkeys([DEFAULT_LMM, *(experiment(each).lmm for each in profile.arms)])
    for name in named:
        yield from _lmm(name, profile.lmm_named(name), profile.name == "demo")


def _lmm(name: str, lmm: LmmSettings, may_stand_in: bool) -> Iterator[Finding]:
    import httpx

    what, prefix = "LMM", "G3_LMM_"
    if name != DEFAULT_LMM:
        what, prefix = f"LMM {name}", f"G3_LMMS__{name.upper()}__"
    if lmm.transport == "replay":
        yield Finding(what, f"replay of {lmm.label}", True, "")
        return
    if lmm.is_stand_in:
        remedy = f"set {prefix}BASE_URL, {prefix}MODEL and {prefix}API_KEY for real answers"
        yield Finding(what, "stand-in", may_stand_in, remedy, needed=False)
        return
    yield Finding(f"{what} key", "set" if lmm.api_key else "none", bool(lmm.api_key), f"set {prefix}API_KEY")
    try:
        key = lmm.api_key.get_secret_value() if lmm.api_key else ""
        headers = {"Authorization": f"Bearer {key}"}
        status = httpx.get(f"{lmm.base_url}/models", headers=headers, timeout=5).status_code
        ok, found = status == httpx.codes.OK, f"HTTP {status}"
    except httpx.HTTPError as problem:
        ok, found = False, type(problem).__name__
    yield Finding(f"{what} {lmm.model}", found, ok, f"is {prefix}BASE_URL right, and the server up?")


def _notifications(profile: Profile) -> Finding:
    """Who is told when a scheduled run fails; no address is shown."""
    from pipelines.notifying import is_address

    urls = [url.get_secret_value() for url in profile.notify.urls]
    unknown = [str(number) for number, url in enumerate(urls, 1) if not is_address(url)]
    found = f"{len(urls)} addresses, {'a' if profile.notify.command else 'no'} command"
    remedy = "for messages when a run fails, set G3_NOTIFY__URLS (docs/operations.md)"
    if unknown:
        remedy = f"notify.urls: Apprise cannot read number {', '.join(unknown)}"
    return Finding(
        "notifications", found, profile.notify.is_set and not unknown, remedy, needed=bool(unknown)
    )
