"""``redact``: copy a database without its content, to show it to others. bbolt has no such command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ...api.rescue import redact
from ...errors import bucket_text
from ...render import records
from ...text.sizes import written
from ..command import command

if TYPE_CHECKING:
    from ...ops.rescue.redact import Redaction
    from ..opener import Opener
    from ..options import Destination, Force, Human, NoSync, Path, number, switch
    from ..output import Output, Record

_SHOWN = 8  # buckets that are named


@command("redact", example="boltcli redact --keys -o shown.db fixtures/document.db", group="Rescue", opens="locked")
def redact_(
    opener: Opener,
    out: Output,
    *,
    path: Path,
    output: Destination,
    keys: Annotated[
        bool, switch("Also replace keys and bucket names by others of the same length and in the same order.")
    ] = False,
    seed: Annotated[int, number("With --keys: the seed of the random keys; the same seed gives the same keys.")] = 0,
    force: Force = False,
    no_sync: NoSync = False,
    human: Human = False,
) -> None:
    """Copy a database for a bug report: same size, pages and damage, values replaced by filler, free pages wiped."""
    with out.progress("redacting") as progress:
        done = redact(
            path, output, keys=keys, seed=seed, lock=opener.lock, timeout=opener.timeout,
            replace=force, sync=not no_sync, progress=progress,
        )  # fmt: skip
    out.record(lambda: _record(out.path, done), lambda: _text(done, keys, human or out.is_terminal))


def _record(path: str, done: Redaction) -> Record:
    buckets = {"secret_keys": done.secret_keys, "look_like_secrets": done.look_like_secrets}
    shown = {name: list(map(records.of_bucket, paths)) for name, paths in buckets.items()}
    return records.of_record(done, path) | shown


def _text(done: Redaction, keys: bool, human: bool) -> str:
    values, size = written(done.value_bytes, human), written(done.size, human)
    text = f"{done.values} values of {values} in total replaced by filler, {done.wiped} pages wiped; {size} written\n"
    if keys:
        return (
            f"{text}{done.keys} keys and names replaced\n"
            "still visible: lengths and order of keys, sizes of values, numbers of pages and buckets, sequences\n"
        )
    if done.secret_keys:
        text += f"{done.keys} keys that are secrets replaced, in {_buckets(done.secret_keys)}\n"
    text += (
        "still visible: keys and names of buckets (--keys replaces them), sizes of values, numbers of pages and"
        " buckets\n"
    )
    if done.look_like_secrets:
        text += f"keys that look like secrets were kept, in {_buckets(done.look_like_secrets)}: --keys replaces them\n"
    return text


def _buckets(paths: tuple[tuple[bytes, ...], ...]) -> str:
    shown = [f"bucket {bucket_text(path)}" for path in paths[:_SHOWN]]
    more = len(paths) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
