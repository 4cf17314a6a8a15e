"""The surgery commands: each writes a changed copy of a database, or looks at its meta pages."""

from __future__ import annotations

from .declaration import Argument, Command, Group, Option
from .values import parse_int64, parse_string_slice, parse_uint32, parse_uint64

_FILE = Argument("FILE", "file", "The bolt database file; it is not changed.")
_OUTPUT = Option("output", "Where to write the changed copy; nothing may be there yet.", default="", metavar="FILE",
                 required=True, kind="file")  # fmt: skip


def _number(name: str, help: str, *, metavar: str = "PGID", signed: bool = False) -> Option:
    return Option(
        name, help, default=0, metavar=metavar, parse=parse_int64 if signed else parse_uint64, required=True
    )  # fmt: skip


def _surgery(name: str, summary: str, example: str, *options: Option) -> Command:
    return Command(
        f"surgery {name}",
        summary,
        arguments=(_FILE,),
        least=1,
        most=1,
        options=options,
        example=f"boltcli surgery {name} {example}",
        group="Repair",
    )


SURGERY_GROUPS = (
    Group(
        "surgery",
        "Repair a copy of a damaged database.",
        example="boltcli surgery revert-meta-page broken.db --output reverted.db",
        group="Repair",
    ),
    Group(
        "surgery freelist",
        "Drop the freelist, or build it anew.",
        example="boltcli surgery freelist abandon broken.db --output abandoned.db",
        group="Repair",
    ),
    Group(
        "surgery meta",
        "Check the meta pages, or change their fields.",
        example="boltcli surgery meta validate fixtures/document.db",
        group="Repair",
    ),
)

SURGERY = (
    _surgery(
        "revert-meta-page",
        "Undo the newest transaction: its meta page is replaced by the other one.",
        "broken.db --output reverted.db",
        _OUTPUT,
    ),
    _surgery(
        "copy-page",
        "Copy a page over another one.",
        "broken.db --output copied.db --from-page 5 --to-page 7",
        _OUTPUT,
        _number("from-page", "The page to copy."),
        _number("to-page", "The page to write it over."),
    ),
    _surgery(
        "clear-page",
        "Remove all elements of a branch or leaf page.",
        "broken.db --output cleared.db --pageId 5",
        _OUTPUT,
        _number("pageId", "The page to clear."),
    ),
    _surgery(
        "clear-page-elements",
        "Remove some elements of a branch or leaf page.",
        "broken.db --output cleared.db --pageId 5 --from-index 0 --to-index 2",
        _OUTPUT,
        _number("pageId", "The page to clear."),
        _number("from-index", "The first element to remove, counted from 0.", metavar="INDEX", signed=True),
        _number(
            "to-index", "The first element behind it to keep; -1 keeps none.", metavar="INDEX", signed=True
        ),
    ),
    _surgery(
        "freelist abandon",
        "Drop the freelist from both meta pages; bbolt then finds the free pages by a full walk.",
        "broken.db --output abandoned.db",
        _OUTPUT,
    ),
    _surgery(
        "freelist rebuild",
        "Store a freelist again in a database that has none.",
        "abandoned.db --output rebuilt.db",
        _OUTPUT,
    ),
    _surgery(
        "meta validate",
        "Say whether each of the two meta pages is valid.",
        "fixtures/document.db",
    ),
    _surgery(
        "meta update",
        "Change fields of a meta page, and make its checksum right.",
        "broken.db --output updated.db --meta-page 1 --fields root:6,freelist:8",
        _OUTPUT,
        Option(
            "fields",
            "What to change: name:number, with commas between; the names are pageSize, root, freelist and pgid.",
            default="",
            metavar="FIELDS",
            parse=parse_string_slice,
            gathers=True,
        ),
        Option("meta-page", "Which meta page: 0 or 1.", default=0, metavar="PAGE", parse=parse_uint32),
    ),
)  # fmt: skip
