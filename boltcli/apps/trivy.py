"""trivy's vulnerability database (trivy.db). Source: aquasecurity/trivy-db ``pkg/db``."""

from __future__ import annotations

from .contract import ANY, CERTAIN, INFO, LIKELY, WARNING, Application, Audit, AuditFinding, Codec, Recognition, View
from .json_values import jsonable, load, load_record
from .store import find
from .values import as_text, buckets, columns, pairs, pairs_at, text_or_bytes
from .words import parse_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .contract import AuditOptions, Pattern, Plain
    from .store import Store

_VULNERABILITY, _SOURCES = b"vulnerability", b"data-source"
_OTHERS = (
    _VULNERABILITY, _SOURCES, b"advisory-detail", b"vulnerability-detail", b"vulnerability-id", b"Red Hat CPE",
)  # fmt: skip
SEVERITIES = ("UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL")


def platforms(db: Store) -> Iterator[tuple[bytes, Store]]:
    """Yield the buckets of advisories."""
    for name, bucket in buckets(db):
        if name not in _OTHERS:
            yield name, bucket


def _named(severity: object) -> object:
    return SEVERITIES[severity] if isinstance(severity, int) and 0 <= severity < len(SEVERITIES) else severity


def _vulnerabilities(db: Store) -> Iterator[tuple[Any, ...]]:
    for key, value in pairs_at(db, _VULNERABILITY):
        record = load_record(value) or {}
        vendors = record.get("VendorSeverity")
        vendors = {name: _named(each) for name, each in vendors.items()} if isinstance(vendors, dict) else {}
        yield (
            as_text(key), record.get("Severity"), record.get("Title"), record.get("Description"), vendors,
            record.get("CVSS"), record.get("CweIDs"), record.get("References"),
            parse_time(record.get("PublishedDate")), parse_time(record.get("LastModifiedDate")), record,
        )  # fmt: skip


def _advisories(db: Store) -> Iterator[tuple[Any, ...]]:
    for platform, content in platforms(db):
        for package, found in buckets(content):
            for key, value in pairs(found):
                record = load(value)
                fixed = _fixed(record)
                yield as_text(platform), as_text(package), as_text(key), fixed, jsonable(record)


def _fixed(record: object) -> str | None:
    """Return the versions that mend it, as text."""
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


def _data_sources(db: Store) -> Iterator[tuple[Any, ...]]:
    for platform, value in pairs_at(db, _SOURCES):
        record = load_record(value) or {}
        yield as_text(platform), record.get("ID"), record.get("Name"), record.get("URL")


def _platforms(db: Store) -> Iterator[tuple[Any, ...]]:
    sources = {key for key, _ in pairs_at(db, _SOURCES)}
    for platform, content in platforms(db):
        packages = advisories = unfixed = 0
        for _, found in buckets(content):
            packages += 1
            for _, value in pairs(found):
                advisories += 1
                unfixed += _fixed(load(value)) is None
        yield as_text(platform), packages, advisories, unfixed, platform in sources


def _value(key: bytes, value: bytes) -> Plain:
    return load(value)


_TEXT = Codec(text_or_bytes, _value)
_CODECS: dict[Pattern, Codec] = {(ANY,): _TEXT, (ANY, ANY): _TEXT, (ANY, ANY, ANY): _TEXT}


class Trivy(Application):
    name = "trivy-db"
    title = "trivy's vulnerability database (trivy.db)"
    hints = (
        "view FILE vulnerabilities --where severity=CRITICAL --columns id,title",
        "view FILE advisories --where package=openssl",
    )
    places = ("trivy.db",)
    codecs = _CODECS
    views = (
        View("vulnerabilities", columns(
            "id severity title description vendor_severity:json cvss:json cwe_ids:json references:json published:time "
            "modified:time record:json"
        ), _vulnerabilities, "Vulnerabilities"),
        View("advisories", columns("platform package id fixed_version advisory:json"), _advisories,
             "Advisories by platform and package"),
        View("data_sources", columns("platform id name url"), _data_sources, "Where each platform's data come from"),
        View("platforms", columns("platform packages:integer advisories:integer unfixed:integer data_source:boolean"),
             _platforms, "Advisories by platform, and how many have no fixed version"),
    )  # fmt: skip

    def recognise(self, db: Store) -> Recognition | None:
        found, sources = find(db, _VULNERABILITY), find(db, _SOURCES)
        first = None if found is None else next(found.range(), None)
        if first is None or not isinstance(first[1], bytes) or load_record(first[1]) is None:
            return None
        published = find(db, b"vulnerability-detail") is None
        layout = "as published" if published else "with details"
        return Recognition(self.name, layout, CERTAIN if sources is not None else LIKELY)

    def audit(self, db: Store, options: AuditOptions) -> Audit | None:
        known = {key for key, _ in pairs_at(db, _VULNERABILITY)}
        sources = {key for key, _ in pairs_at(db, _SOURCES)}
        by_platform: dict[str, int] = {}
        unfixed: dict[str, int] = {}
        missing: set[bytes] = set()
        findings = []
        for platform, content in platforms(db):
            name = as_text(platform)
            by_platform[name] = unfixed[name] = 0
            for _, found in buckets(content):
                for key, value in pairs(found):
                    record = load(value)
                    by_platform[name] += 1
                    unfixed[name] += _fixed(record) is None
                    missing |= _ids(key, record) - known
            if platform not in sources:
                findings.append(AuditFinding(
                    "platforms_without_data_source", INFO, f"{name} has advisories, but no data source.",
                    bucket=(platform,), subject=name, remedy="Nothing: reports name no source for its findings.",
                ))  # fmt: skip
        if missing:
            first = as_text(min(missing))
            findings.append(AuditFinding(
                "advisories_without_vulnerability", WARNING,
                f"{len(missing)} ids in advisories have no vulnerability record, {first} first: they have no severity.",
                bucket=(_VULNERABILITY,), subject=first, remedy="Download the database anew.",
            ))  # fmt: skip
        answers = {
            "vulnerabilities": len(known),
            "advisories": sum(by_platform.values()),
            "advisories_by_platform": by_platform,
            "without_fixed_version": unfixed,
            "advisories_without_vulnerability": sorted(map(as_text, missing)),
            "platforms_without_data_source": sorted(by_platform.keys() - {as_text(key) for key in sources}),
        }
        counts = [("vulnerabilities", len(known)), *by_platform.items()]
        recognition = self.recognise(db)
        return Audit(recognition.layout if recognition is not None else "unknown", answers, findings, counts=counts)


APPLICATION = Trivy()
