"""trivy's vulnerability database (trivy.db). Source: aquasecurity/trivy-db ``pkg/db``."""

from collections.abc import Iterator
from typing import Any

from ..text.json import load, load_record
from ..text.values import as_text
from .contract import ANY, CERTAIN, INFO, LIKELY, WARNING, Audit, AuditOptions, Codec, Pattern, Recognition, Store
from .rules import Rule, findings
from .values import JSON, buckets, find, first, named, pairs
from .views import Item, Rows, computed, json, key_text, records, time, view, whole_record

_VULNERABILITY, _SOURCES = b"vulnerability", b"data-source"
_OTHERS = (_VULNERABILITY, _SOURCES, b"advisory-detail", b"vulnerability-detail", b"vulnerability-id",
    b"Red Hat CPE")  # fmt: skip
_SEVERITIES = ("UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL")


def _vendor_severity(item: Item) -> dict[str, Any]:
    found = item.field("VendorSeverity")
    return {name: named(_SEVERITIES, each) for name, each in found.items()} if isinstance(found, dict) else {}


def _platforms_in(db: Store) -> Iterator[tuple[bytes, Store]]:
    return ((name, bucket) for name, bucket in buckets(db) if name not in _OTHERS)


@view("Advisories by platform and package", "platform package id fixed_version advisory:json")
def advisories(db: Store) -> Rows:
    for platform, content in _platforms_in(db):
        for package, found in buckets(content):
            for key, value in pairs(found):
                record = load(value)
                yield as_text(platform), as_text(package), as_text(key), _fixed(record), record


def _fixed(record: object) -> str | None:
    if not isinstance(record, dict):
        return None
    if record.get("FixedVersion"):
        return str(record["FixedVersion"])
    patched = record.get("PatchedVersions")
    if not patched:
        patched = [each["FixedVersion"] for each in _entries(record) if each.get("FixedVersion")]
    return ", ".join(dict.fromkeys(map(str, patched))) if isinstance(patched, list) and patched else None


def _entries(record: object) -> list[dict[str, Any]]:
    """Return the entries of an advisory of Red Hat, which has several for one package, each with its CVEs."""
    found = record.get("Entries") if isinstance(record, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _ids(key: bytes, record: object) -> set[bytes]:
    """Return the vulnerabilities of an advisory: its own key, or for one of Red Hat (RHSA-...) those of its entries."""
    found = {
        str(cve["ID"]).encode("utf-8", "backslashreplace")
        for entry in _entries(record)
        for cve in (entry["Cves"] if isinstance(entry.get("Cves"), list) else ())
        if isinstance(cve, dict) and cve.get("ID")
    }
    return found or {key}


def _counted(db: Store, ids: set[bytes] | None = None) -> Iterator[tuple[bytes, int, int, int, bool]]:
    """Yield each platform, its packages, advisories, those not fixed, if it has a source; add the advisories' ids."""
    sources = {key for key, _ in pairs(db, _SOURCES)}
    for platform, content in _platforms_in(db):
        packages = total = unfixed = 0
        for _, found in buckets(content):
            packages += 1
            for key, value in pairs(found):
                record = load(value)
                total += 1
                unfixed += _fixed(record) is None
                if ids is not None:
                    ids |= _ids(key, record)
        yield platform, packages, total, unfixed, platform in sources


@view(
    "Advisories by platform, and how many have no fixed version",
    "platform packages:integer advisories:integer unfixed:integer data_source:boolean",
)
def platforms(db: Store) -> Rows:
    for platform, *counts in _counted(db):
        yield as_text(platform), *counts


CODECS: dict[Pattern, Codec] = {(ANY,): JSON, (ANY, ANY): JSON, (ANY, ANY, ANY): JSON}
VIEWS = (
    records("vulnerabilities", "Vulnerabilities", at=(_VULNERABILITY,),
        id=key_text, severity="Severity", title="Title", description="Description",
        vendor_severity=computed("json", _vendor_severity), cvss=json("CVSS"), cwe_ids=json("CweIDs"),
        references=json("References"), published=time("PublishedDate"), modified=time("LastModifiedDate"),
        record=whole_record),
    advisories,
    records("data_sources", "Where each platform's data come from", at=(_SOURCES,),
        platform=key_text, id="ID", name="Name", url="URL"),
    platforms,
)  # fmt: skip


def _layout(db: Store) -> str:
    return "as published" if find(db, b"vulnerability-detail") is None else "with details"


def recognise(db: Store) -> Recognition | None:
    if load_record(first(find(db, _VULNERABILITY))[1]) is None:
        return None
    return Recognition("trivy-db", _layout(db), CERTAIN if find(db, _SOURCES) is not None else LIKELY)


_NO_SOURCE = Rule("platforms_without_data_source", INFO, "{subject} has advisories, but no data source.",
    "Nothing: reports give no source for its findings.")  # fmt: skip
_NO_RECORD = Rule("advisories_without_vulnerability", WARNING,
    "{count} ids in advisories have no vulnerability record, {subject} first: they have no severity.",
    "Download the database again.")  # fmt: skip


def audit(db: Store, options: AuditOptions) -> Audit | None:
    known = {key for key, _ in pairs(db, _VULNERABILITY)}
    ids: set[bytes] = set()
    found = list(_counted(db, ids))
    missing = sorted(map(as_text, ids - known))
    without_source = [platform for platform, *_, has_source in found if not has_source]
    deviations = [_NO_SOURCE.at((name,), None, as_text(name)) for name in without_source]
    if missing:
        deviations.append(_NO_RECORD.at((_VULNERABILITY,), None, missing[0], count=len(missing)))
    by_platform = {as_text(platform): total for platform, _, total, *_ in found}
    answers = {
        "vulnerabilities": len(known),
        "advisories": sum(by_platform.values()),
        "advisories_by_platform": by_platform,
        "without_fixed_version": {as_text(platform): unfixed for platform, _, _, unfixed, _ in found},
        "advisories_without_vulnerability": missing,
        "platforms_without_data_source": sorted(map(as_text, without_source)),
    }
    counts = [("vulnerabilities", len(known)), *by_platform.items()]
    return Audit(_layout(db), answers, findings(deviations), counts=counts)
