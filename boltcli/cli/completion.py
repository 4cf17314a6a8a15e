"""What the completion scripts of the shells share."""

from __future__ import annotations


def script(text: str, options: dict[str, str | int]) -> bytes:
    """A shell's script, which asks for descriptions or not."""
    return text.replace("@STYLE@", "plain" if options["no-descriptions"] else "described").encode()
