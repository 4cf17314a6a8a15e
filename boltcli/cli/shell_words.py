"""Split a bash command line into words as bash does, without expanding anything, and write words for it."""

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,")


def split(line: str) -> tuple[list[str], str, str]:
    """Return the words of a line up to the cursor, the last one as it was typed, and the quote that is open at the end.
    The words have no quotes; the last one, perhaps empty, is to be completed."""
    words: list[str] = []
    word: str | None = None
    raw = quote = ""
    escaped = False
    for char in line:
        if char.isspace() and not quote and not escaped:
            if word is not None:
                words.append(word)
            word, raw = None, ""
            continue
        raw += char
        word = word or ""
        if escaped:
            if quote and char not in '"\\$`':
                word += "\\"
            word += char
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = True
        elif char == quote:
            quote = ""
        elif char in "'\"" and not quote:
            quote = char
        else:
            word += char
    return [*words, word or ""], raw, quote


def written(names: list[str], part: str, raw: str, quote: str) -> list[str]:
    """Return ``names`` quoted, to replace ``part``, the end of the word ``raw`` after the last ``:`` or ``=``. Without
    those that can't be written there: whatever a name has in it, bash must neither expand nor run it, as names come out
    of files."""
    if quote == "'":  # bash keeps the opening quote, and closes it
        return [name for name in names if "'" not in name]
    if quote:  # nothing keeps bash from expanding a "!" between these quotes
        return ["".join(f"\\{char}" if char in '"\\$`' else char for char in name) for name in names if "!" not in name]
    (*_, there), _, _ = split(f"boltcli {raw.removesuffix(part)}")
    rests = [name[len(there) :] for name in names if name.startswith(there)]
    return ["".join(char if char in _PLAIN or char > "\x7f" else f"\\{char}" for char in rest) for rest in rests]
