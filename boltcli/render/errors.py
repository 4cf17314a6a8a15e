"""The text after ``Error: ``, with bbolt's message where bbolt has that error."""

from __future__ import annotations

import os

from .. import errors
from ..text.golang import quote


def error_text(error: errors.BoltError) -> bytes:
    """Return the text of ``error``, as in bbolt. It is bytes because it contains raw paths and keys."""
    return _text(error).encode("utf-8", "surrogateescape")


def _text(error: errors.BoltError) -> str:
    path = _quoted(error.path or "")
    if isinstance(error, errors.SourceNotFound):
        return f"source database file {path} doesn't exist"
    if isinstance(error, errors.OpenError):
        reason = error.reason[:1].lower() + error.reason[1:]  # the system's words as Go spells them
        text = f"{error.operation} {error.path or ''}: {reason}"
        is_source = error.operation == "stat" and not isinstance(error, errors.DestinationError)
        return f"failed to open source database file {path}: {text}" if is_source else text
    if isinstance(error, errors.StepFailed):
        return f"{error.step.format(*map(_quoted, error.paths))}: {_text(error.reason)}"
    if isinstance(error, errors.DestinationExists):
        return f"output file {path} already exists"
    if isinstance(error, errors.DestinationIsSource):
        return f"output file {path} is {error.is_what}"
    if isinstance(error, errors.BucketNotFound):
        return "bucket not found"
    if isinstance(error, errors.KeyNotFound):
        return f'Error key not found for key: {_quoted(error.key)} hex: "{error.key.hex()}"'
    return str(error)


def _quoted(path: str | bytes) -> str:
    return quote(os.fsencode(path)).decode("utf-8", "surrogateescape")
