"""Findings by kind: where they are, and what each kind means, as ``check``, ``doctor`` and ``report`` say it."""

from collections.abc import Iterable

Explanation = tuple[str, str, str]  # what is wrong, the effect on the data, and what to do

_FREELIST_ADVICE = (
    "Stop the program that owns the file, abandon the freelist (`surgery freelist abandon`) and let it be rebuilt."
)
_RECOVER_ADVICE = (
    "Don't let a program write to the file. Write everything that it still holds to a new file: `recover FILE -o DEST`."
)
_MISSING = "The pairs of these pages are missing. Programs that read their keys end with a panic."
EXPLANATIONS: dict[str, Explanation] = {
    "unreachable-unfreed": (
        "Pages that are in no bucket and not in the freelist: they are leaked.",
        "No data are lost; the pages only take space, as they are never used again. But if a branch page has lost"
        " elements, the pages below them are reported like this too, and their pairs are missing.",
        "If there are no other findings: `compact` makes a copy without them, or abandon and rebuild the freelist.",
    ),
    "reachable-freed": (
        "Pages that a bucket uses although the freelist lists them as free.",
        "All pairs can still be read. The next transaction that writes may use such a page for something else, and"
        " destroy its content.",
        _FREELIST_ADVICE,
    ),
    "already-freed": (
        "Pages that the freelist lists twice.",
        "All pairs can still be read. The same page may be allocated twice, and the second transaction destroys what"
        " the first one wrote.",
        _FREELIST_ADVICE,
    ),
    "multiple-references": (
        "Pages that are referenced from two places in the tree.",
        "One of the two places has wrong content. A change in one place changes the other, and a deletion in one frees"
        " the pages of the other.",
        _RECOVER_ADVICE,
    ),
    "out-of-bounds": (
        "References to pages at or above the high-water mark, where no transaction wrote.",
        _MISSING,
        _RECOVER_ADVICE,
    ),
    "invalid-type": ("References to pages that are neither branch nor leaf pages.", _MISSING, _RECOVER_ADVICE),
    "unexpected-type": ("References to pages with a type that bolt doesn't have.", _MISSING, _RECOVER_ADVICE),
    "key-order": (
        "Keys that do not ascend, or that are outside the range given by their branch page.",
        "A lookup may not find such keys although they are there. A write may store the same key twice.",
        _RECOVER_ADVICE,
    ),
    "damaged": (
        "Damaged pages: a wrong page id, elements or data that leave the page, or a freelist that cannot be read.",
        "Their content and the pages below them cannot be read. Programs that read it end with a panic.",
        _RECOVER_ADVICE,
    ),
    "uncounted": (
        "Pages are referenced so often that not all references were followed.",
        "There are more findings of the same kinds. Programs that walk the tree may never end.",
        _RECOVER_ADVICE,
    ),
    "out-of-range": ("The page given with --from-page is not in the file.", "None.", "Choose another page."),
    "meta": (
        "A meta page is not valid, or inconsistent with the other one.",
        "There are two meta pages, written in turn; one valid one is enough. If the newer one is damaged, the last"
        " transaction is lost.",
        "Nothing, if the newer one is valid: the next transaction overwrites the other one.",
    ),
    "fallback": (
        "The state before the last transaction is damaged.",
        "It is not available as a fallback. This doesn't matter as long as the newest state is sound.",
        "Nothing.",
    ),
    "freelist": (
        "The freelist page has content that bbolt never writes.",
        "All pairs can still be read, but it is not certain which pages are free.",
        _FREELIST_ADVICE,
    ),
    "owner": (
        "Pages with two owners, or with an owner that can't have them.",
        "A change in one place may destroy the other.",
        _RECOVER_ADVICE,
    ),
    "layout": (
        "Pages with a layout that bbolt doesn't write.",
        "They can be read. Another program wrote them, or they are damaged.",
        "Compare with a backup; `compact` rewrites them.",
    ),
    "shape": (
        "The tree has a shape that bbolt doesn't make.",
        "It can be read. Another program wrote it, or it is damaged.",
        "`compact` rewrites it.",
    ),
    "lost": (
        "Pages that have no owner and are not free.",
        "They may hold pairs that the tree has lost.",
        "`recover FILE -o DEST` reads them.",
    ),
    "text-mode": (
        "The file was copied in text mode, which changes line ends (LF to CR LF, or CR LF to LF).",
        "Everything after the first such byte is in the wrong place, and bytes within values are changed.",
        "`recover FILE -o DEST` undoes it; where the SHA-256 of a snapshot proves the result, DEST is the original."
        " Copy the file again in binary mode if you still can.",
    ),
    "invalid-database": (
        "No meta page is valid, so no program finds the tree.",
        "The pages may all be there.",
        _RECOVER_ADVICE,
    ),
}
_OTHER = ("Something else is wrong.", "Its effect is not known.", _RECOVER_ADVICE)


def explanation(kind: str) -> Explanation:
    """Return what findings of ``kind`` mean."""
    return EXPLANATIONS.get(kind, _OTHER)


def explanation_record(kind: str) -> dict[str, str]:
    """Return the three sentences of the explanation of a kind of finding."""
    return dict(zip(("meaning", "risk", "advice"), explanation(kind)))


def explanation_text(kind: str, count: int) -> str:
    """Return a kind of finding, explained."""
    meaning, risk, advice = explanation(kind)
    return f"{kind} ({count})\n  meaning: {meaning}\n  risk: {risk}\n  what to do: {advice}\n"


_MOST_RANGES = 8  # shown of a kind


def findings_summary(kinds: dict[str, list[int]]) -> str:
    """Return a line for each kind of finding; ``kinds`` has the page of each finding."""
    lines = []
    for kind, pages in kinds.items():
        found = ranges(pages)
        shown = [str(first) if first == last else f"{first}-{last}" for first, last in found[:_MOST_RANGES]]
        several = "s" * (len(set(pages)) > 1)
        words = ", ".join(shown + ["..."] * (len(found) > _MOST_RANGES))
        lines.append(f"boltcli: {len(pages)} {kind}: page{several} {words}\n")
    return "".join(lines)


def ranges(pages: Iterable[int]) -> list[tuple[int, int]]:
    """Return runs of consecutive numbers as (first, last), ascending."""
    found: list[tuple[int, int]] = []
    for page in sorted(set(pages)):
        if found and found[-1][1] == page - 1:
            found[-1] = found[-1][0], page
        else:
            found.append((page, page))
    return found
