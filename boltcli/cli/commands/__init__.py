"""The list of commands: a line each, its name and its module in this folder, in the order of the help.

To add a command, add its module and its line. The module holds ``COMMAND``, ``Options`` and ``run``
(``command.py``); only the module of the command that is called is imported.
"""

COMMANDS = {
    "check": "check",
    "buckets": "buckets",
    "keys": "keys",
    "items": "items",
    "get": "get",
    "stats": "stats",
    "inspect": "inspect",
    "tree": "tree",
    "du": "du",
    "info": "info",
    "top": "top",
    "map": "map",
    "why": "why",
    "compact": "compact",
    "export": "export",
    "import": "import",
    "diff": "diff",
    "lock": "lock",
    "pages": "pages",
    "page": "page",
    "page-item": "page_item",
    "dump": "dump",
    "surgery revert-meta-page": "surgery_revert_meta_page",
    "surgery copy-page": "surgery_copy_page",
    "surgery clear-page": "surgery_clear_page",
    "surgery clear-page-elements": "surgery_clear_page_elements",
    "surgery freelist abandon": "surgery_freelist_abandon",
    "surgery freelist rebuild": "surgery_freelist_rebuild",
    "surgery meta validate": "surgery_meta_validate",
    "surgery meta update": "surgery_meta_update",
    "version": "version",
    "help": "help",
    "completion bash": "completion_bash",
    "completion zsh": "completion_zsh",
    "completion fish": "completion_fish",
    "completion powershell": "completion_powershell",
}
