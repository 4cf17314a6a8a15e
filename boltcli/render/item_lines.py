"""Keys and values as text: a line for each, of fields with tabs between them."""

from __future__ import annotations

from itertools import chain

from ..format.bucket import BucketRef
from ..text.values import LARGE, formatted, lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..apps.decode import Decoder
    from ..ops.read.select_items import Items


def value_line(value: bytes, form: str) -> Iterable[bytes]:
    """Return one value and a newline, in pieces."""
    if len(value) <= LARGE:
        return (lines([value], form),)
    if form == "bytes":
        return (value, b"\n")
    from ..text.large_values import slices

    return map(str.encode, chain(slices(value, form), "\n"))


def text_lines(
    part: Items, key_form: str, form: str, above: int, *, key: bool = True, value: bool = True, decoder: Decoder | None
) -> Iterable[bytes]:
    """Return lines of keys, values or both, after the bucket path without its first ``above`` names.

    A bucket has no value, and no tab in its place. ``decoder``: say instead what keys and values mean.
    """
    if decoder is not None:
        from .decoded import text_lines as readable_lines

        return (readable_lines(part, decoder, above, key=key, value=value),)
    margin = b"".join([name + b"\t" for name in formatted([*part.path[above:]], key_form)])
    keys = formatted(part.keys, key_form)
    if not value:
        return [b"".join([b"%b%b\n" % (margin, name) for name in keys])]
    first = part.values[0]
    if len(part.values) == 1 and not isinstance(first, BucketRef) and len(first) > LARGE:  # large values stand alone
        return chain([b"%b%b\t" % (margin, *keys)] * key, value_line(first, form))
    texts = iter(formatted([value for value in part.values if not isinstance(value, BucketRef)], form))
    if not key:
        return [b"".join([text + b"\n" for text in texts])]
    ends = (b"\n" if isinstance(value, BucketRef) else b"\t%b\n" % next(texts) for value in part.values)
    return [b"".join([b"%b%b%b" % (margin, name, end) for name, end in zip(keys, ends)])]
