"""What the subcommands of `g3` do; `pipelines/cli.py` only declares them, so that `--help` stays quick."""
