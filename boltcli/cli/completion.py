"""Shared parts of the commands that print a shell's completion script."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .job import Job


def script(text: str, job: Job) -> bytes:
    """Return the completion script ``text``, with or without descriptions."""
    return text.replace("@STYLE@", "plain" if job.options.no_descriptions else "described").encode()
