"""``keys``: list the keys of a bucket."""

from __future__ import annotations

from ... import render
from ...read_errors import ArgumentError, Corrupted
from ...text.values import lines
from ...tree.bucket import find_bucket, keys_on_one_page
from ..command import command
from ..decoding import asked
from ..selection import check_pattern, is_filtered, selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Annotated, Any

    from ...format.bucket import BucketRef
    from ...ops.read.select_items import Items
    from ...storage.snapshot import Snapshot
    from ..options import Bucket, Database, Decoding, Filters, FormatOfKeys, Jobs, Subbuckets, switch
    from ..output import Output


def prepare(filters: Filters, skip_damaged: bool) -> None:
    check_pattern(filters)
    if skip_damaged and is_filtered(filters):
        raise ArgumentError("--skip-damaged reads all pages, a filter only some of them: they can't be combined")


@command("keys", example="boltcli keys fixtures/document.db execution", validate=prepare)
def keys_(
    db: Database,
    out: Output,
    *,
    bucket: Bucket,
    subbuckets: Subbuckets = [],
    format: FormatOfKeys = "auto",
    skip_damaged: Annotated[bool, switch("Skip damaged pages and continue; each one is reported on stderr.")] = False,
    jobs: Jobs = 0,
    filters: Filters,
    decoding: Decoding,
) -> None:
    """List the keys of a bucket, nested buckets included."""
    path = (bucket, *subbuckets)
    found = find_bucket(db, path)
    decoder = asked(db, decoding)
    skipped: list[Corrupted] = []

    def write(parts: Iterable[list[bytes]]) -> None:
        """Write the keys of each part."""
        if decoder is not None:
            from ...ops.read.select_items import Items

            write_items(Items(path, keys, [b""] * len(keys)) for keys in parts)
            return
        out.stream(
            parts,
            json=lambda keys: render.element_lines.element_lines(path, keys, None, with_path=False, key_form=format),
            text=lambda keys: lines(keys, format),
        )

    def write_items(parts: Iterable[Items]) -> None:
        """Write the keys of each part, after their buckets below ``path``."""
        shown: dict[str, Any] = {"with_path": filters.recursive, "with_value": False, "key_form": format}
        shown["decoder"] = decoder
        above = len(path)
        out.stream(
            parts,
            json=lambda part: render.element_lines.element_lines(part.path, part.keys, part.values, **shown),
            text=lambda part: render.item_lines.text_lines(part, format, format, above, value=False, decoder=decoder),
        )

    if is_filtered(filters):
        from ...ops.read.select_items import items

        parts = items(db, found, path, **selection(filters, values=False))
        write_items(parts) if filters.recursive else write(part.keys for part in parts)
    elif skip_damaged:
        write(_surviving(db, found, skipped))
    elif (few := keys_on_one_page(db, found)) is not None:
        write([few])
    else:
        from ...ops.read.key_pages import all_keys

        with out.progress("listing") as progress:
            write(all_keys(db, found, progress=None if out.is_terminal else progress))
    for damage in skipped:
        out.warn(f"skipped {damage}")
    if skipped:
        from ...errors import DamageSkipped

        raise DamageSkipped(len(skipped))


def _surviving(snapshot: Snapshot, bucket: BucketRef, skipped: list[Corrupted]) -> Iterator[list[bytes]]:
    """Yield the keys that can be read; add the damage to ``skipped``."""
    from ...ops.read.key_pages import surviving_keys

    for found in surviving_keys(snapshot, bucket):
        if isinstance(found, Corrupted):
            skipped.append(found)
        else:
            yield found
