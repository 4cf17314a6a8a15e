"""The modules of commands, in the order of the help. Only the module of the command that is called is imported.

To add a command, write a module with a function, add it here, and run `make table`::

    @command("count", example="boltcli count fixtures/document.db")
    def count(
        db: Database,
        out: Output,
        *,
        prefix: Annotated[bytes, text("Only names that begin with this.", "NAME")] = b"",
    ) -> None:
        '''Count the top-level buckets.'''
        found = sum(name.startswith(prefix) for name, _ in top_buckets(db))
        out.record({"buckets": found}, f"{found} buckets\n")

The runner passes ``db``, the opened database; ``out``, where results and messages go, in whatever form; and ``opener``,
which opens further files. All other parameters are arguments and options, declared with the words at the top of
``cli/options.py``; one of type ``bytes`` is the name of a bucket or a key. A function ``validate=`` gets the parameters
that it names, before anything is opened.
"""

MODULES = (
    "check", "verify", "scan",
    "buckets", "keys", "items", "get", "grep", "stats", "inspect", "tree", "du", "info",
    "top", "map", "why", "report", "browse",
    "view", "audit", "sql",
    "compact", "export", "import",
    "diff", "patch", "watch", "metrics",
    "recover", "deleted", "redact", "doctor",
    "lock", "pages", "page", "surgery",
    "version", "schema", "help", "completion",
)  # fmt: skip
