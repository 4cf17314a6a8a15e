"""``redact``: copy a database without its content, to show it to others. bbolt has no such command."""

from __future__ import annotations

from ...errors import ArgumentError, bucket_text
from ...text.sizes import written
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Any, BinaryIO

    from typer import Option

    from ..job import Job
    from ..options import Destination, Force, Human, NoSync, Path
    from ..values import parse_uint64

_SHOWN = 8  # buckets that are named


def prepare(job: Job) -> None:
    if not job.options.output:
        raise ArgumentError("output file required")


@command(
    "redact",
    example="boltcli redact --keys -o shown.db fixtures/document.db",
    group="Rescue",
    opens="locked",
    validate=prepare,
)
def redact_(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    path: Path,
    output: Destination,
    keys: Annotated[
        bool, Option(help="Also replace keys and bucket names by others of the same length and in the same order.")
    ] = False,
    seed: Annotated[
        int,
        Option(
            help="With --keys: the seed of the random keys; the same seed gives the same keys.",
            metavar="N",
            parser=parse_uint64,
        ),
    ] = 0,
    force: Force = False,
    no_sync: NoSync = False,
    human: Human = False,
) -> None:
    """Copy a database for a bug report: same size, pages and damage, values replaced by filler, free pages wiped."""
    from ...ops.rescue.redact import redact

    with job.progress("redacting") as progress:
        done = redact(
            job.path, output, keys=keys, seed=seed, lock=job.lock, timeout=job.timeout,
            replace=force, sync=not no_sync, progress=progress,
        )  # fmt: skip
    if job.json:
        from ...render import records

        facts: dict[str, Any] = {
            name: getattr(done, name) for name in ("size", "values", "value_bytes", "keys", "pages", "wiped")
        }
        for name, paths in (("secret_keys", done.secrets), ("look_like_secrets", done.suspects)):
            facts[name] = []
            for names in paths:
                record: dict[str, Any] = {}
                records.put_bucket(record, names)
                facts[name].append(record)
        out.write(records.line(records.result(job.path, output, **facts)))
        return
    values, size = (written(count, human or out.isatty()) for count in (done.value_bytes, done.size))
    out.write(
        f"{done.values} values of {values} in all replaced by filler, {done.wiped} pages wiped;"
        f" {size} written\n".encode()
    )
    if keys:
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
