"""Words of other tools, and the commands and options that they stand for; else those that are spelled like them."""

from __future__ import annotations

from .command_table import COMMANDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .command import Command

_SEARCH = ("grep", "items")
_REPAIR = ("doctor", "recover", "check")
_CHANGE = ("patch", "import", "export")
_RECORDS = ("view", "items", "keys")
_SPACE = ("du", "top", "tree")

# Words of other tools (git, coreutils, SQL, Redis, etcdctl, sqlite3, other bolt browsers), and the commands for them.
_MEANINGS: dict[str, Sequence[str]] = {
    **dict.fromkeys(("repair", "fix", "rescue", "salvage", "restore", "heal", "fsck", "recovery"), _REPAIR),
    **dict.fromkeys(("undelete", "undo", "rollback", "revert"), ("deleted", "recover", "surgery")),
    **dict.fromkeys(("search", "find", "grep", "rg", "ack", "strings", "match", "locate"), _SEARCH),
    **dict.fromkeys(("ls", "list", "dir", "bucket", "tables", "show-tables", "databases"), ("buckets", "tree", "keys")),
    **dict.fromkeys(("cat", "read", "print", "value", "show", "fetch", "hget", "lookup"), ("get", "items")),
    **dict.fromkeys(("dump-keys", "list-keys", "key", "scan-keys", "keyspace"), ("keys", "items")),
    **dict.fromkeys(("dump-all", "dumpall", "pairs", "entries", "records", "values", "kv"), ("items", "export")),
    **dict.fromkeys(("verify", "validate", "integrity", "test", "checksum", "integrity-check"), ("verify", "check")),
    **dict.fromkeys(("put", "set", "write", "insert", "update", "edit", "add", "create", "new"), _CHANGE),
    **dict.fromkeys(("delete", "del", "rm", "remove", "drop", "unset", "truncate"), _CHANGE),
    **dict.fromkeys(("wipe", "scrub", "anonymize", "anonymise", "mask", "sanitize", "sanitise"), ("redact", "export")),
    **dict.fromkeys(("images", "containers", "snapshots", "leases", "members", "jobs", "executions"), _RECORDS),
    **dict.fromkeys(
        ("pods", "secrets", "configmaps", "volumes", "revisions", "users", "nodes", "namespaces", "hashkv"), _RECORDS
    ),
    **dict.fromkeys(("decode", "pretty", "table", "records-of"), _RECORDS),
    **dict.fromkeys(("size", "usage", "space", "df", "ncdu", "largest", "biggest"), _SPACE),
    **dict.fromkeys(("defrag", "defragment", "vacuum", "shrink", "trim", "gc", "optimize", "cleanup"), ("compact",)),
    **dict.fromkeys(("backup", "copy", "cp", "clone", "snapshot", "save"), ("compact", "export", "verify")),
    **dict.fromkeys(("query", "select", "sqlite", "duckdb", "shell"), ("sql", "browse")),
    **dict.fromkeys(("csv", "json", "ndjson", "parquet", "to-json", "to-csv", "extract"), ("export", "sql")),
    **dict.fromkeys(("load", "from-json", "restore-json", "ingest"), ("import",)),
    **dict.fromkeys(("history", "log", "changes", "changed", "compare", "cmp", "delta"), ("diff", "watch")),
    **dict.fromkeys(("follow", "monitor", "tail", "subscribe", "events"), ("watch",)),
    **dict.fromkeys(("status", "stat", "summary", "meta", "file", "describe", "head"), ("info", "stats")),
    **dict.fromkeys(("count", "len", "length", "wc", "statistics"), ("stats", "inspect")),
    **dict.fromkeys(("locks", "unlock", "who", "holder", "lsof", "fuser", "in-use"), ("lock",)),
    **dict.fromkeys(("html", "web", "dashboard"), ("report",)),
    **dict.fromkeys(("ui", "tui", "gui", "explore", "open", "view-file", "less", "browser"), ("browse", "tree")),
    **dict.fromkeys(("hexdump", "xxd", "hex", "od", "raw"), ("dump", "page")),
    **dict.fromkeys(("freelist", "free"), ("pages", "surgery")),
    **dict.fromkeys(("man", "manual", "docs", "topics", "guide", "usage-of"), ("help",)),
    **dict.fromkeys(("security", "lint", "inspect-app", "doctor-app", "health"), ("audit", "check")),
    **dict.fromkeys(("forensics", "carve", "deleted-keys", "ghosts"), ("deleted", "grep")),
}

PUT = ("put", "set", "write", "insert", "update", "edit", "add", "hset")
DELETE = ("delete", "del", "rm", "remove", "drop", "unset", "hdel")
# Flags of other tools, and the options that have their meaning here.
FLAGS = {
    **dict.fromkeys(("r", "R", "recurse", "all-files"), ("recursive",)),
    **dict.fromkeys(("format", "output-format", "pretty", "to-json"), ("json",)),
    **dict.fromkeys(("strict", "full", "thorough", "paranoid", "all"), ("deep",)),
    **dict.fromkeys(("v", "verbose", "why", "details", "describe"), ("verbose", "explain")),
    **dict.fromkeys(("silent", "s", "no-warnings"), ("quiet",)),
    **dict.fromkeys(("out", "dst", "dest", "destination", "to-file", "outfile"), ("output",)),
    **dict.fromkeys(("overwrite", "y", "yes", "clobber"), ("force",)),
    **dict.fromkeys(("head", "max", "count", "n", "top"), ("limit", "max-findings", "top")),
    **dict.fromkeys(("pattern", "match", "filter", "regex", "e"), ("grep", "where", "prefix")),
    **dict.fromkeys(("readonly", "read-only", "nolock", "ro"), ("no-lock",)),
    **dict.fromkeys(("wait", "lock-timeout"), ("timeout",)),
    **dict.fromkeys(("threads", "workers", "parallel", "p"), ("jobs",)),
    **dict.fromkeys(("human-readable",), ("human",)),
}


def suggestions(word: str, groups: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the commands that ``word`` may stand for: those with that meaning, else those with a similar name."""
    known = {*COMMANDS, *groups}
    meant = [name for name in _MEANINGS.get(word.lower(), ()) if name in known and name != word]
    if meant:
        return tuple(meant[:3])
    outer = dict.fromkeys(name.split()[0] for name in (*COMMANDS, *groups))
    near = nearest(word, outer)
    if near:
        return tuple(near)
    # Words spelled like a word of another tool.
    for other in nearest(word, _MEANINGS, most=1):
        return suggestions(other, groups)
    return ()


def flags_meant(flag: str, command: Command) -> list[str]:
    """Return options of ``command`` for the unknown ``flag`` (without dashes): by meaning, else by spelling."""
    names = [option.name for option in command.shown_options]
    meant = [name for name in FLAGS.get(flag, ()) if name in names]
    found = meant or (nearest(flag, [*names, "help"]) if len(flag) > 1 else [])
    return [f"--{name}" for name in found]


_LONGEST = 128  # letters; longer words get no suggestions, as the comparison takes quadratic time


def nearest(word: str, choices: Iterable[str], *, most: int = 3) -> list[str]:
    """Return the ``choices`` spelled like ``word``, those that begin with it first."""
    from difflib import get_close_matches

    given = word.lower()
    if len(given) > _LONGEST:
        return []
    by_name = {choice.lower(): choice for choice in choices}
    begun = [name for name in by_name if len(given) >= 3 and name.startswith(given)]
    found = dict.fromkeys([*begun, *get_close_matches(given, by_name, most, 0.72 if len(given) > 3 else 0.6)])
    return [by_name[name] for name in found][:most]
