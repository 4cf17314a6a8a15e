"""Shared parts of the commands that print a shell's completion script."""

from __future__ import annotations

from .command import Command, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .job import Job


class Options:
    """The values of the options."""

    no_descriptions: bool


def declare(shell: str) -> Command:
    """Return the command that prints the script of ``shell``."""
    return Command(
        f"completion {shell}",
        f"Print a script that makes {shell} complete commands, options, bucket names and keys.",
        most=0,
        options=(Option("no-descriptions", "Complete without descriptions.", default=False),),
        example=f"boltcli completion {shell}",
        group="Help",
        json=False,
    )


def script(text: str, job: Job[Options]) -> bytes:
    """Return the completion script ``text``, with or without descriptions."""
    return text.replace("@STYLE@", "plain" if job.options.no_descriptions else "described").encode()
