"""What each kind of finding means: for the data, for the program that writes to the file, and what to do."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    class Explanation(NamedTuple):
        """``meaning``: what is wrong. ``risk``: what it does to the data. ``advice``: what to do."""

        meaning: str
        risk: str
        advice: str
else:
    from collections import namedtuple

    Explanation = namedtuple("Explanation", ("meaning", "risk", "advice"))

_FREELIST_ADVICE = (
    "Stop the program that owns the file, abandon the freelist (`surgery freelist abandon`) and let it be rebuilt."
)
_RECOVER_ADVICE = (
    "Don't let a program write to the file. Write what it still holds into a new one: `recover FILE -o DEST`."
)

EXPLANATIONS = {
    "unreachable-unfreed": Explanation(
        "Pages that are in no bucket and not in the freelist: they are leaked.",
        "No data are lost by it. It costs space only, as these pages are never used again. If a branch page lost"
        " elements, the pages below it are among them: then pairs are missing.",
        "If that is all that is wrong: `compact` makes a copy without them, or abandon the freelist and rebuild it.",
    ),
    "reachable-freed": Explanation(
        "Pages that a bucket uses and that the freelist calls free.",
        "All pairs can still be read. The next transaction that writes may use such a page for something else, and"
        " destroy what is in it.",
        _FREELIST_ADVICE,
    ),
    "already-freed": Explanation(
        "Pages that the freelist names twice.",
        "All pairs can still be read. Two transactions may be given the same page, and the second one destroys what"
        " the first one wrote.",
        _FREELIST_ADVICE,
    ),
    "multiple-references": Explanation(
        "Pages that two places of the tree lead to.",
        "One of the two shows what isn't its own. A change in one place changes the other, and a deletion in one frees"
        " the pages of the other.",
        _RECOVER_ADVICE,
    ),
    "out-of-bounds": Explanation(
        "The tree leads to pages at or above the high-water mark, where no transaction wrote.",
        "What should be there is missing. Programs that read these keys end with a panic.",
        _RECOVER_ADVICE,
    ),
    "invalid-type": Explanation(
        "The tree leads to pages that are neither branch nor leaf.",
        "What should be there is missing. Programs that read these keys end with a panic.",
        _RECOVER_ADVICE,
    ),
    "unexpected-type": Explanation(
        "The tree leads to pages with a type that bolt doesn't have.",
        "What should be there is missing. Programs that read these keys end with a panic.",
        _RECOVER_ADVICE,
    ),
    "key-order": Explanation(
        "Keys that do not ascend, or that are not in the range that their branch page says.",
        "Such keys may not be found although they are there. A write may put the same key in twice.",
        _RECOVER_ADVICE,
    ),
    "damaged": Explanation(
        "Pages that cannot be what they should be: another id, elements or data that leave the page, or a freelist"
        " that cannot be read.",
        "What is in them cannot be reached, and nothing below them. Programs that read it end with a panic.",
        _RECOVER_ADVICE,
    ),
    "uncounted": Explanation(
        "Pages refer to each other so often that not all ways to them were followed.",
        "There are more findings of the same kinds. Programs that walk the tree may never end.",
        _RECOVER_ADVICE,
    ),
    "out-of-range": Explanation(
        "The page that the check was to begin with is not one of the file.", "None.", "Choose another page."
    ),
    "meta": Explanation(
        "A meta page is not valid, or disagrees with the other one.",
        "There are two, written in turn; with one of them the file is whole. If the newer one is damaged, the last"
        " transaction is lost.",
        "Nothing has to be done if the newer one is valid: the next transaction writes the other one.",
    ),
    "fallback": Explanation(
        "The state before the last transaction is not whole.",
        "It cannot be returned to. That is no loss as long as the newest state is sound.",
        "Nothing has to be done.",
    ),
    "freelist": Explanation(
        "The freelist page says something that bbolt never writes.",
        "All pairs can still be read; which pages are free is in doubt.",
        _FREELIST_ADVICE,
    ),
    "owner": Explanation(
        "Pages that belong to two owners, or to none that could have them.",
        "A change in one place may destroy the other.",
        _RECOVER_ADVICE,
    ),
    "layout": Explanation(
        "Pages whose data lie in another way than bbolt writes them.",
        "They can be read. Another program wrote them, or they are damaged.",
        "Compare with a backup; `compact` writes them anew.",
    ),
    "shape": Explanation(
        "The tree has a form that bbolt doesn't give it.",
        "It can be read. Another program wrote it, or it is damaged.",
        "`compact` writes it anew.",
    ),
    "lost": Explanation(
        "Pages that are in nothing, and nothing tells what they were.",
        "They may hold pairs that the tree lost.",
        "`recover FILE -o DEST` looks at them.",
    ),
    "invalid-database": Explanation(
        "No meta page is valid, so no program finds the tree.",
        "The pages may all be there.",
        _RECOVER_ADVICE,
    ),
}
_OTHER = Explanation("Something else is wrong.", "It is not known what it does.", _RECOVER_ADVICE)


def explanation(kind: str) -> Explanation:
    """Return what findings of ``kind`` mean."""
    return EXPLANATIONS.get(kind, _OTHER)
