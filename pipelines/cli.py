"""The command `g3`: a thin front door to Dagster and the library. Declarations only; bodies in commands/.

Exit codes: 0 done, 1 a stage failed or a requirement is lacking, 2 wrong usage or settings, 3 another
run is at work in the same home, 130 interrupted.
"""

import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from tempfile import gettempdir

import click

from pipelines.commands.failures import FAILED, INTERRUPTED, WRONG_USAGE, CommandFailed


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def g3() -> None:
    """Worldwide image geolocalization (G3 and the methods it compares with) as a workflow.

    The home of all data is G3_HOME, by default ./data/PROFILE.
    """


@g3.command()
@click.argument("profile", required=False)
@click.option("--experiment", "experiments", multiple=True, help="Only this one; may be repeated.")
@click.option("--plan", is_flag=True, help="Say what is out of date, and do nothing.")
@click.option("--accept", is_flag=True, help="Keep results that are worse than the last ones.")
@click.option(
    "--estimate", is_flag=True, help="Say what LMMs would be asked and what it costs, and do nothing."
)
def run(profile: str | None, experiments: tuple[str, ...], plan: bool, accept: bool, estimate: bool) -> None:
    """Make everything of PROFILE (default: demo) that is out of date, and print the tables."""
    from pipelines.commands.run import run_profile

    run_profile(profile, experiments, plan, estimate, accept)


@g3.command()
@click.option("--profile", help="Whose workflow to show (default: G3_PROFILE or demo).")
@click.option("--port", default=3000, show_default=True, help="Of Dagster's pages.")
@click.option("--mlflow-port", default=5000, show_default=True, help="Of MLflow's pages.")
def ui(profile: str | None, port: int, mlflow_port: int) -> None:
    """Dagster's web UI and daemon, and MLflow's, on localhost, until Ctrl-C."""
    from pipelines.commands.ui import serve

    serve(profile, port, mlflow_port)


@g3.command()
@click.argument("name", required=False)
@click.option("--profile", help="Whose results (default: G3_PROFILE or demo).")
@click.option("--limit", default=40, show_default=True, help="Rows to print.")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Also save it as a picture.")
def results(name: str | None, profile: str | None, limit: int, svg: Path | None) -> None:
    """The leaderboard, or table NAME of schema `results`."""
    from pipelines.commands.tables import show_results

    show_results(name, profile, limit, svg)


@g3.command()
@click.argument("query")
@click.option("--profile", help="Whose warehouse (default: G3_PROFILE or demo).")
@click.option("--csv", is_flag=True, help="Comma-separated, all rows.")
def sql(query: str, profile: str | None, csv: bool) -> None:
    """Ask the warehouse: g3 sql "from results.summary"."""
    from pipelines.commands.tables import show_query

    show_query(query, profile, csv)


@g3.command()
@click.argument("benchmark")
@click.argument("experiment")
@click.option("--profile", help="Whose lineage (default: G3_PROFILE or demo).")
@click.option("--threshold", type=int, help="In km: the photos behind this number, one by one.")
@click.option("--csv", is_flag=True, help="Comma-separated, all rows.")
def trace(benchmark: str, experiment: str, profile: str | None, threshold: int | None, csv: bool) -> None:
    """Where a row of the accuracy table came from, down to the photos."""
    from pipelines.commands.tracing import show_trace

    show_trace(benchmark, experiment, profile, threshold, csv)


@g3.command()
@click.argument("benchmark")
@click.argument("experiment")
@click.option("--profile", help="Whose results (default: G3_PROFILE or demo).")
@click.option(
    "--from", "beginning", default="references", show_default=True, help="The first step to repeat."
)
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), help="Keep the repetition here.")
def rerun(benchmark: str, experiment: str, profile: str | None, beginning: str, into: Path | None) -> None:
    """The same numbers again, from their recorded configuration, commit and seed, and compared."""
    from pipelines.commands.rerun import rerun_experiment

    rerun_experiment(benchmark, experiment, profile, beginning, into)


@g3.command()
@click.argument("predictions", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--benchmark", help="Whose truth, and the name in the tables.")
@click.option(
    "--truth", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file of truth."
)
@click.option("--columns", help="Which is which: id=…,lat=…,lon=…,true_lat=…,true_lon=…")
@click.option("--profile", help="Whose photos and tables (default: G3_PROFILE or demo).")
@click.option("--name", help="What to call it (default: the file's name).")
@click.option("--keep", is_flag=True, help="Keep it in the warehouse beside ours.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated.")
def score(
    predictions: Path,
    benchmark: str | None,
    truth: Path | None,
    columns: str | None,
    profile: str | None,
    name: str | None,
    keep: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """The metric tables for anybody's PREDICTIONS: CSV or Parquet with the usual column names."""
    from pipelines.commands.score import score_predictions

    score_predictions(predictions, benchmark, truth, columns, profile, name, keep, as_json, as_csv)


@g3.command()
@click.argument("photos", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--profile", help="Whose trained workflow (default: G3_PROFILE or demo).")
@click.option("--experiment", default="g3", show_default=True, help="How they are located.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option(
    "--map", "map_file", type=click.Path(dir_okay=False, path_type=Path), help="Candidates on a map, as HTML."
)
def locate(
    photos: tuple[Path, ...], profile: str | None, experiment: str, as_json: bool, map_file: Path | None
) -> None:
    """Where PHOTOS of your own (files or folders) were taken, by the trained workflow, and how sure that is."""
    from pipelines.commands.locate import locate_photos

    locate_photos(photos, profile, experiment, as_json, map_file)


@g3.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--csv", is_flag=True, help="Comma-separated.")
def photos(folder: Path, csv: bool) -> None:
    """Where the photos of FOLDER were taken, by EXIF or XMP, or the named reason why that is not known."""
    from pipelines.commands.tables import show_positions

    show_positions(folder, csv)


@g3.command()
@click.argument("gallery")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--profile", help="Whose heads (default: G3_PROFILE or demo).")
def export(gallery: str, file: Path, profile: str | None) -> None:
    """Write the trained heads of GALLERY, with CLIP, as FILE by the official names: g3.pth or .safetensors."""
    from pipelines.commands.export import export_heads

    export_heads(gallery, file, profile)


@g3.command()
@click.argument("profile", required=False)
def doctor(profile: str | None) -> None:
    """What this machine has and lacks for PROFILE (default: every profile)."""
    from pipelines.commands.doctor import examine

    examine(profile)


def main() -> None:
    """Entry point: the one place where an unexpected error is caught, recorded and named."""
    # idle OpenMP threads that spin for long starve each other on a machine with other work (3 to 10 times slower)
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    try:
        g3(prog_name="g3", standalone_mode=False)
    except click.ClickException as problem:
        problem.show()
        sys.exit(problem.code if isinstance(problem, CommandFailed) else WRONG_USAGE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nInterrupted. What was finished is kept; run again to go on.", err=True)
        sys.exit(INTERRUPTED)
    except Exception as problem:  # noqa: BLE001  (the boundary: record it whole, say it short)
        log = Path(gettempdir()) / f"g3-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
        log.write_text(traceback.format_exc(), encoding="utf-8")
        click.echo(f"Error: {type(problem).__name__}: {problem}\n(the whole story: {log})", err=True)
        sys.exit(FAILED)
