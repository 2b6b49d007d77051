"""How a command ends when it cannot do what was asked: a message that says what to do, and an exit code."""

import click

FAILED, WRONG_USAGE, BUSY, INTERRUPTED = 1, 2, 3, 130


class CommandFailed(click.ClickException):
    """An expected failure."""

    def __init__(self, message: str, exit_code: int = FAILED):
        super().__init__(message)
        self.code = exit_code
