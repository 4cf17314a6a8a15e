"""Words of other tools, and the commands and options that they stand for; else those that are spelled like them."""

from __future__ import annotations

from .registry import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .command import Command

# Words of other tools (git, coreutils, SQL, Redis, etcdctl, sqlite3, other bolt browsers), and the commands for them.
_COMMANDS = {
    "repair fix rescue salvage restore heal fsck recovery": "doctor recover check",
    "undelete undo rollback revert": "deleted recover surgery",
    "search find grep rg ack strings match locate": "grep items",
    "ls list dir bucket tables show-tables databases": "buckets tree keys",
    "cat read print value show fetch hget lookup": "get items",
    "dump-keys list-keys key scan-keys keyspace": "keys items",
    "dump-all dumpall pairs entries records values kv": "items export",
    "verify validate integrity test checksum integrity-check": "verify check",
    "put set write insert update edit add create new delete del rm remove drop unset truncate": "patch import export",
    "wipe scrub anonymize anonymise mask sanitize sanitise": "redact export",
    "images containers snapshots leases members jobs executions": "view items keys",
    "pods secrets configmaps volumes revisions users nodes namespaces hashkv decode pretty table": "view items keys",
    "size usage space df ncdu largest biggest": "du top tree",
    "defrag defragment vacuum shrink trim gc optimize cleanup": "compact",
    "backup copy cp clone snapshot save": "compact export verify",
    "query select sqlite duckdb shell": "sql browse",
    "csv json ndjson parquet to-json to-csv extract": "export sql",
    "load from-json restore-json ingest": "import",
    "history log changes changed compare cmp delta": "diff watch",
    "follow monitor tail subscribe events": "watch",
    "status stat summary meta file describe head": "info stats",
    "count len length wc statistics": "stats inspect",
    "locks unlock who holder lsof fuser in-use": "lock",
    "html web dashboard": "report",
    "ui tui gui explore open view-file less browser": "browse tree",
    "hexdump xxd hex od raw": "dump page",
    "freelist free": "pages surgery",
    "man manual docs topics guide usage-of": "help",
    "security lint inspect-app doctor-app health": "audit check",
    "forensics carve deleted-keys ghosts": "deleted grep",
}
# Flags of other tools, and the options that have their meaning here.
_FLAGS = {
    "r R recurse all-files": "recursive",
    "format output-format pretty to-json": "json",
    "strict full thorough paranoid all": "deep",
    "v verbose why details describe": "verbose explain",
    "silent s no-warnings": "quiet",
    "out dst dest destination to-file outfile": "output",
    "overwrite y yes clobber": "force",
    "head max count n top": "limit max-findings top",
    "pattern match filter regex e": "grep where prefix",
    "readonly read-only nolock ro": "no-lock",
    "wait lock-timeout": "timeout",
    "threads workers parallel p": "jobs",
    "human-readable": "human",
}


def _by_word(meanings: dict[str, str]) -> dict[str, list[str]]:
    return {word: meant.split() for words, meant in meanings.items() for word in words.split()}


MEANINGS = _by_word(_COMMANDS)


def suggestions(word: str) -> list[str]:
    """Return the commands that ``word`` may stand for: those with that meaning, else those with a similar name."""
    meant = [name for name in MEANINGS.get(word.lower(), ()) if name != word]
    if meant:
        return meant
    near = nearest(word, dict.fromkeys(name.split()[0] for name in names()))
    # Else words spelled like a word of another tool.
    return near or [name for other in nearest(word, MEANINGS, most=1) for name in suggestions(other)]


def flags_meant(flag: str, command: Command) -> list[str]:
    """Return options of ``command`` for the unknown ``flag`` (without dashes): by meaning, else by spelling."""
    known = [option.name for option in command.shown_options]
    meant = [name for name in _by_word(_FLAGS).get(flag, ()) if name in known]
    found = meant or (nearest(flag, [*known, "help"]) if len(flag) > 1 else [])
    return [f"--{name}" for name in found]


def nearest(word: str, choices: Iterable[str], *, most: int = 3) -> list[str]:
    """Return the ``choices`` spelled like ``word``, those that begin with it first."""
    from difflib import get_close_matches

    given = word.lower()
    if len(given) > 128:
        return []  # the comparison takes quadratic time
    by_name = {choice.lower(): choice for choice in choices}
    begun = [name for name in by_name if len(given) >= 3 and name.startswith(given)]
    found = dict.fromkeys([*begun, *get_close_matches(given, by_name, most, 0.72 if len(given) > 3 else 0.6)])
    return [by_name[name] for name in found][:most]
