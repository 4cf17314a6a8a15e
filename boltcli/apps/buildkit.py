"""BuildKit's solver cache (cache.db of buildkitd and of Docker's builder).

Source: moby/buildkit ``solver/bboltcachestorage/storage.go``.
"""

from typing import Any

from ..text.json import jsonable, load_record
from ..text.values import as_text, text_or_bytes
from .contract import ANY, CERTAIN, LIKELY, WARNING, Audit, AuditOptions, Codec, Pattern, Plain, Recognition, Store
from .rules import Deviation, Rule, findings
from .values import JSON, buckets, find, pairs
from .views import Rows, key_text, parent, records, time, view

_RESULT, _LINKS, _BY_RESULT, _BACKLINKS = b"_result", b"_links", b"_byresult", b"_backlinks"
_BY_KEY = (_RESULT, _LINKS, _BACKLINKS)


def _link(key: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the link and its target: JSON, @, the target's key."""
    text, _, target = key.rpartition(b"@")
    return load_record(text) or {}, target


@view("Links between cache keys", "from to input:integer output:integer digest selector link:json")
def links(db: Store) -> Rows:
    for outer, bucket in buckets(db, _LINKS):
        for name, _ in pairs(bucket):
            link, target = _link(name)
            numbers = link.get("Input", 0), link.get("Output", 0)
            yield as_text(outer), as_text(target), *numbers, link.get("Digest"), link.get("Selector"), link


@view("Cache keys, with their results and links", "key results:integer links:integer backlinks:integer")
def keys(db: Store) -> Rows:
    for key in sorted({key for name in _BY_KEY for key, _ in buckets(db, name)}):
        yield as_text(key), *(sum(1 for _ in pairs(db, name, key)) for name in _BY_KEY)


def _link_key(key: bytes) -> Plain:
    link, target = _link(key)
    return {"link": link, "target": text_or_bytes(target)} if link or key.startswith(b"{}@") else text_or_bytes(key)


_TEXT = Codec(text_or_bytes)
CODECS: dict[Pattern, Codec] = {
    (_RESULT, ANY): JSON,
    (_LINKS, ANY): Codec(_link_key),
    (_BY_RESULT, ANY): _TEXT,
    (_BACKLINKS, ANY): _TEXT,
}
results = records(
    "results", "Results by cache key", at=(_RESULT, ANY), key=parent(1), id=key_text, created_at=time("CreatedAt")
)
VIEWS = (results, links, keys)


def recognise(db: Store) -> Recognition | None:
    found = sum(find(db, name) is not None for name in (_RESULT, _LINKS, _BY_RESULT, _BACKLINKS))
    return Recognition("buildkit", "solver cache", CERTAIN if found == 4 else LIKELY) if found >= 2 else None


def audit(db: Store, options: AuditOptions) -> Audit | None:

    def entries(name: bytes) -> set[tuple[bytes, bytes]]:
        return {(outer, inner) for outer, bucket in buckets(db, name) for inner, _ in pairs(bucket)}

    results = entries(_RESULT)
    by_result = {(key, result) for result, key in entries(_BY_RESULT)}
    links = {(key, _link(name)[1]) for key, name in entries(_LINKS)}
    backlinks = {(key, target) for target, key in entries(_BACKLINKS)}
    keys = {key for key, _ in results} | {key for pair in links for key in pair}
    idle = {(key, b"") for name in _BY_KEY for key, _ in buckets(db, name) if key not in keys}
    counts = [("keys", len(keys)), ("results", len(results)), ("links", len(links))]
    answers: dict[str, Plain] = dict(counts)
    deviations: list[Deviation] = []
    for bucket, faults, code, message in (
        (_RESULT, by_result - results, "results_without_record",
         "is listed for the result {other}, but has no record of it"),
        (_RESULT, results - by_result, "records_without_result",
         "has a record of the result {other}, which doesn't list it"),
        (_LINKS, links - backlinks, "links_without_backlink", "links to {other}, which has no link back"),
        (_LINKS, backlinks - links, "backlinks_without_link", "has no link to {other}, which has a link back"),
        (_LINKS, idle, "keys_without_result_or_link", "has neither results nor links"),
    ):  # fmt: skip
        rule = Rule(code, WARNING, f"Key {{subject}} {message}.", "Run buildctl prune; builds recreate the cache.")
        answers[code] = sorted([as_text(key), as_text(other)] for key, other in faults)
        deviations += [rule.at((bucket,), key, as_text(key), other=as_text(other)) for key, other in sorted(faults)]
    return Audit("solver cache", jsonable(answers), findings(deviations), counts=counts)
