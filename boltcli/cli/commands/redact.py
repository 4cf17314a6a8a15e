"""``redact``: copy a database without its content, to show it to others. bbolt has no such command."""

from __future__ import annotations

from ...errors import ArgumentError, bucket_text
from ...render.human import written
from ..command import Command, Option
from ..options import FILE, FORCE, HUMAN, LOCKING, NO_SYNC, OUTPUT
from ..values import parse_uint64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from ..job import Job

_SHOWN = 8  # buckets that are named

COMMAND = Command(
    "redact",
    "Copy a database for a bug report: same size, pages and damage, values replaced by filler, free pages wiped.",
    arguments=(FILE,),
    least=1,
    most=1,
    options=(
        OUTPUT,
        Option("keys", "Also replace keys and bucket names by others of the same length and in the same order.",
               default=False),
        Option("seed", "With --keys: the seed of the random keys; the same seed gives the same keys.",
               default=0, metavar="N", parse=parse_uint64),
        FORCE,
        NO_SYNC,
        HUMAN,
        *LOCKING,
    ),
    example="boltcli redact --keys -o shown.db fixtures/document.db",
    group="Rescue",
)  # fmt: skip


class Options:
    """The values of the options."""

    output: str
    keys: bool
    seed: int
    force: bool
    no_sync: bool
    human: bool


def prepare(job: Job[Options]) -> None:
    if not job.options.output:
        raise ArgumentError("output file required")


def run(job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    from ...ops.rescue.redact import redact

    options = job.options
    with job.progress("redacting") as progress:
        done = redact(
            job.path, options.output, keys=options.keys, seed=options.seed, lock=job.lock, timeout=job.timeout,
            replace=options.force, sync=not options.no_sync, progress=progress,
        )  # fmt: skip
    if job.json:
        from ...render import records

        facts: dict[str, Any] = {
            name: getattr(done, name) for name in ("size", "values", "value_bytes", "keys", "pages", "wiped")
        }
        for name, paths in (("secret_keys", done.secrets), ("look_like_secrets", done.suspects)):
            facts[name] = []
            for path in paths:
                record: dict[str, Any] = {}
                records.put_bucket(record, path)
                facts[name].append(record)
        out.write(records.line(records.result(job.path, options.output, **facts)))
        return
    values, size = (written(count, options.human or out.isatty()) for count in (done.value_bytes, done.size))
    out.write(
        f"{done.values} values of {values} in all replaced by filler, {done.wiped} pages wiped;"
        f" {size} written\n".encode()
    )
    if options.keys:
        out.write(b"%d keys and names replaced\n" % done.keys)
        out.write(
            b"still visible: lengths and order of keys, sizes of values, numbers of pages and buckets, sequences\n"
        )
    else:
        if done.secrets:
            out.write(f"{done.keys} keys replaced that are secrets, in {_buckets(done.secrets)}\n".encode())
        out.write(
            b"still visible: keys and names of buckets (--keys replaces them), sizes of values, numbers of pages and"
            b" buckets\n"
        )
        if done.suspects:
            out.write(
                f"keys that look like secrets stay, in {_buckets(done.suspects)}: --keys replaces them\n".encode()
            )


def _buckets(paths: list[tuple[bytes, ...]]) -> str:
    """Return the first of these buckets in words."""
    shown = [f"bucket {bucket_text(path)}" for path in paths[:_SHOWN]]
    more = len(paths) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
