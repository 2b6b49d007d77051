"""`g3 export`: trained heads, with the CLIP they belong to, as a file that G3's released code can read."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from g3lib.experiments import ALIGNMENTS
from g3lib.store import Key
from pipelines.commands.failures import WRONG_USAGE, CommandFailed
from pipelines.commands.run import settings

if TYPE_CHECKING:
    from torch import Tensor

    from assets.plan import Workflow
    from g3lib.alignment.model import GeoAlignment


def export_heads(gallery: str, file: Path, profile: str | None) -> None:
    """Write the heads of a gallery by the official names, and CLIP's weights if they are an OpenAI-style ViT's.

    Raises CommandFailed for a gallery without heads, or whose heads are not made yet, and for a file that
    cannot be written; each says what there is or what to do.
    """
    chosen, home = settings(profile)
    from assets.plan import Workflow
    from assets.steps import STEPS
    from g3lib.alignment.checkpoints import SUFFIXES

    if file.suffix not in SUFFIXES:
        raise CommandFailed(f"{file}: weights are written as {' or '.join(SUFFIXES)}", WRONG_USAGE)
    workflow = Workflow(chosen, home, STEPS)
    model = _heads(workflow, gallery)
    try:
        _export(model, workflow, file)
    except OSError as problem:
        raise CommandFailed(f"{file} cannot be written: {problem}") from problem
    projection = model.location_encoder.projection.described
    click.echo(f"Their projection, which the format does not say: {projection}.")


def _heads(workflow: "Workflow", gallery: str) -> "GeoAlignment":
    """The trained heads of a gallery, of whatever width."""
    from g3lib.alignment.checkpoints import load_official
    from g3lib.experiments.alignment import HEADS

    if gallery not in ALIGNMENTS:
        raise CommandFailed(f"no heads {gallery!r}; there are: {', '.join(ALIGNMENTS)}", WRONG_USAGE)
    record = workflow.record(Key("alignment", gallery))
    if record is None:
        made = [each for each in ALIGNMENTS if workflow.record(Key("alignment", each)) is not None]
        raise CommandFailed(
            f"the heads {gallery!r} are not made in {workflow.home.root}; made are: {', '.join(made) or 'none'}. "
            f"`g3 run {workflow.profile.name}` makes those that its experiments need"
        )
    path = workflow.home.root / record.path / "alignment.safetensors"
    try:  # our names are the official ones
        return load_official(path, HEADS[gallery].settings(workflow.profile.alignment))
    except ValueError as problem:
        raise CommandFailed(str(problem)) from problem


def _export(model: "GeoAlignment", workflow: "Workflow", file: Path) -> None:
    """Write the file and say what is in it."""
    from g3lib.alignment.checkpoints import export_official
    from g3lib.features.weights import CheckpointError

    heads, clip = len(model.state_dict()), _clip(workflow)
    if clip is None:
        export_official(model, None, file)
        click.echo(f"{file}: {heads} tensors, the heads only: there is no encoder in {workflow.home.root}.")
        return
    try:
        total = export_official(model, clip, file)
        click.echo(f"{file}: {total} tensors, {heads} of them the heads, the others CLIP.")
    except CheckpointError as problem:
        export_official(model, None, file)
        name = workflow.profile.encoder.architecture
        click.echo(
            f"{file}: {heads} tensors, the heads only: encoder {name} is no OpenAI-style ViT, whose names the "
            f"format has ({problem})."
        )


def _clip(workflow: "Workflow") -> "Mapping[str, Tensor] | None":
    """The encoder's weights by open_clip's names; None where it is not made."""
    from g3lib.features.weights import read_weights

    record = workflow.record(Key("encoder", None))
    return None if record is None else read_weights(workflow.home.root / record.path / "weights.safetensors")
