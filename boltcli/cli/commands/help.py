"""``help``: show the help of a command, or a page of the manual."""

from __future__ import annotations

from ...errors import ArgumentError
from ..command import command
from ..help import write_example, write_help, write_topic
from ..parse import find_command
from ..registry import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated

    from ..options import argument, commands
    from ..output import Output


@command("help", example="boltcli help keys", group="Help", json=False)
def help_(
    out: Output,
    *,
    commands: Annotated[list[str], argument("COMMAND", "The name of a command or a topic.", commands)] = [],
) -> None:
    """Show the help of a command, or a page of the manual."""
    from ... import guide

    name, rest = find_command(commands, strict=False)
    if not name and rest == ["example"]:
        write_example(out.out)
        return
    topic = name or (rest[0] if len(rest) == 1 else "")
    if topic in guide.topics():  # also one with the name of a command, whose own help is COMMAND --help
        write_topic(topic, out.out)
        if topic == "apps":
            from ...apps.registry import plug_ins

            found = [f"  {plug_in.name}: {plug_in.title}\n" for plug_in in plug_ins()]
            out.text("\nInstalled as plug-ins:\n" * bool(found) + "".join(found))
        return
    if topic and not name:
        named = [page for page in guide.topics() if len(topic) > 2 and topic.lower() in guide.text(page).lower()]
        which = f"topics that mention it: {', '.join(named)}" if named else f"topics: {', '.join(guide.topics())}"
        raise ArgumentError(f"there is no command and no topic {topic!r}; {which}")
    write_help(find(name), out.out)
