"""BuildKit's solver cache (cache.db of buildkitd and of Docker's builder).

Source: moby/buildkit ``solver/bboltcachestorage/storage.go``.
"""

from __future__ import annotations

from .contract import ANY, CERTAIN, LIKELY, WARNING, Application, Audit, AuditFinding, Codec, Recognition, View
from .json_values import jsonable, load, load_record
from .store import find
from .values import as_text, buckets_at, columns, pairs, text_or_bytes
from .words import parse_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .contract import AuditOptions, Pattern, Plain
    from .store import Store

_RESULT, _LINKS, _BY_RESULT, _BACKLINKS = b"_result", b"_links", b"_byresult", b"_backlinks"


def _link(key: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the link and its target: JSON, @, the target's key."""
    text, _, target = key.rpartition(b"@")
    return load_record(text) or {}, target


def _results(db: Store) -> Iterator[tuple[Any, ...]]:
    for key, bucket in buckets_at(db, _RESULT):
        for result, value in pairs(bucket):
            record = load_record(value) or {}
            yield as_text(key), as_text(result), parse_time(record.get("CreatedAt"))


def _links(db: Store) -> Iterator[tuple[Any, ...]]:
    for key, bucket in buckets_at(db, _LINKS):
        for name, _ in pairs(bucket):
            link, target = _link(name)
            yield (
                as_text(key), as_text(target), link.get("Input", 0), link.get("Output", 0), link.get("Digest"),
                link.get("Selector"), link,
            )  # fmt: skip


def _keys(db: Store) -> Iterator[tuple[Any, ...]]:
    results, links, backlinks = (
        {key: sum(1 for _ in pairs(bucket)) for key, bucket in buckets_at(db, name)}
        for name in (_RESULT, _LINKS, _BACKLINKS)
    )
    for key in sorted(results.keys() | links.keys() | backlinks.keys()):
        yield as_text(key), results.get(key, 0), links.get(key, 0), backlinks.get(key, 0)


def _decoded_link(key: bytes) -> Plain:
    link, target = _link(key)
    return {"link": link, "target": text_or_bytes(target)} if link or key.startswith(b"{}@") else text_or_bytes(key)


def _value(key: bytes, value: bytes) -> Plain:
    return load(value)


_TEXT = Codec(text_or_bytes)
_CODECS: dict[Pattern, Codec] = {
    (_RESULT, ANY): Codec(text_or_bytes, _value),
    (_LINKS, ANY): Codec(_decoded_link),
    (_BY_RESULT, ANY): _TEXT,
    (_BACKLINKS, ANY): _TEXT,
}


class BuildKit(Application):
    name = "buildkit"
    title = "BuildKit's solver cache (cache.db), also of Docker's builder"
    hints = ("view FILE results --sort created_at", "view FILE links", "audit FILE")
    places = ("buildkit/cache.db", "buildkitd/cache.db", "runc-*/cache.db")
    codecs = _CODECS
    views = (
        View("results", columns("key id created_at:time"), _results, "Results by cache key"),
        View("links", columns("from to input:integer output:integer digest selector link:json"), _links,
             "Links between cache keys"),
        View("keys", columns("key results:integer links:integer backlinks:integer"), _keys,
             "Cache keys, with their results and links"),
    )  # fmt: skip

    def recognise(self, db: Store) -> Recognition | None:
        found = sum(find(db, name) is not None for name in (_RESULT, _LINKS, _BY_RESULT, _BACKLINKS))
        return Recognition(self.name, "solver cache", CERTAIN if found == 4 else LIKELY) if found >= 2 else None

    def audit(self, db: Store, options: AuditOptions) -> Audit | None:
        def entries(name: bytes) -> set[tuple[bytes, bytes]]:
            return {(outer, inner) for outer, bucket in buckets_at(db, name) for inner, _ in pairs(bucket)}

        results, by_result, backlinks = entries(_RESULT), entries(_BY_RESULT), entries(_BACKLINKS)
        links = {(key, _link(name)[1]) for key, name in entries(_LINKS)}
        keys = {key for key, _ in results} | {key for pair in links for key in pair}
        named = {key for name in (_RESULT, _LINKS, _BACKLINKS) for key, _ in buckets_at(db, name)}
        faults = {
            "results_without_record": {(key, result) for result, key in by_result} - results,
            "records_without_result": results - {(key, result) for result, key in by_result},
            "links_without_backlink": links - {(key, target) for target, key in backlinks},
            "backlinks_without_link": {(key, target) for target, key in backlinks} - links,
            "keys_without_result_or_link": {(key, b"") for key in named - keys},
        }
        findings = [
            AuditFinding(
                question, WARNING, _MESSAGES[question].format(as_text(key), as_text(other)), bucket=_PLACES[question],
                key=key, subject=as_text(key), remedy="buildctl prune; the cache is made anew by builds.",
            )
            for question, found in faults.items() for key, other in sorted(found)
        ]  # fmt: skip
        answers = {
            "keys": len(keys), "results": len(results), "links": len(links),
            **{question: sorted([as_text(key), as_text(other)] for key, other in found)
               for question, found in faults.items()},
        }  # fmt: skip
        counts = [("keys", len(keys)), ("results", len(results)), ("links", len(links))]
        return Audit("solver cache", jsonable(answers), findings, counts=counts)


_MESSAGES = {
    "results_without_record": "Key {} is listed for the result {}, but has no record of it.",
    "records_without_result": "Key {} has a record of the result {}, which doesn't list it.",
    "links_without_backlink": "Key {} links to {}, which has no link back.",
    "backlinks_without_link": "Key {} has no link to {}, which has a link back.",
    "keys_without_result_or_link": "Key {} has neither results nor links.",
}
_PLACES = {
    "results_without_record": (_RESULT,),
    "records_without_result": (_RESULT,),
    "links_without_backlink": (_LINKS,),
    "backlinks_without_link": (_LINKS,),
    "keys_without_result_or_link": (_LINKS,),
}
APPLICATION = BuildKit()
