"""``help``: show the help of a command, or a page of the manual."""

from __future__ import annotations

from ...errors import ArgumentError
from ..command import command
from ..help import help_text, topic_text, topics, write_example
from ..pager import write_paged
from ..parse import find_command
from ..registry import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated

    from ..options import argument, topic_names
    from ..output import Output


@command("help", example="boltcli help keys", group="Help", json=False)
def help_(
    out: Output,
    *,
    commands: Annotated[list[str], argument("COMMAND", "The name of a command or a topic.", topic_names)] = [],
) -> None:
    """Show the help of a command, or a page of the manual."""
    name, rest = find_command(commands, strict=False)
    if not name and rest == ["example"]:
        write_example(out.out)
        return
    topic = name or (rest[0] if len(rest) == 1 else "")
    if topic in topics():  # also one with the name of a command, whose own help is COMMAND --help
        write_paged(topic_text(topic, out.out), out.out)
        return
    if topic and not name:
        from ... import guide

        named = [page for page in guide.topics() if len(topic) > 2 and topic.lower() in guide.text(page).lower()]
        which = f"topics that mention it: {', '.join(named)}" if named else f"topics: {', '.join(topics())}"
        raise ArgumentError(f"there is no command and no topic {topic!r}; {which}")
    write_paged(help_text(find(name), out.out), out.out)
