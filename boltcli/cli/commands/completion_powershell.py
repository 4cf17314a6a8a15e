"""``completion powershell``: for $PROFILE: boltcli completion powershell | Out-String | Invoke-Expression."""

from __future__ import annotations

from ..command import command
from ..completion import script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO

    from typer import Option

    from ..job import Job


_SCRIPT = r"""# PowerShell completion for boltcli
Register-ArgumentCompleter -Native -CommandName boltcli -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition -or -not $wordToComplete } |
        ForEach-Object { if ($_.PSObject.Properties['Value']) { $_.Value } else { $_.Extent.Text } })
    $current = $wordToComplete.Trim("'", '"')
    $arguments = @($words | Select-Object -Skip 1) + "=$current"
    $answer = @(& $words[0] __complete '@STYLE@=' @arguments 2>$null)
    if ($answer.Count -eq 0 -or $answer[0] -eq ':file') { return }
    $answer | ForEach-Object {
        $name, $text = $_ -split "`t", 2
        # Four more characters end a quoted string as ' does.
        $quoted = "'" + ($name -replace "['\u2018-\u201B]", '$0$0') + "'"
        $written = if ($name -match '[^\w\-./:=%+]') { $quoted } else { $name }
        if (-not $text) { $text = $name }
        [System.Management.Automation.CompletionResult]::new($written, $name, 'ParameterValue', $text)
    }
}
"""


@command("completion powershell", example="boltcli completion powershell", group="Help", json=False)
def completion_powershell(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    no_descriptions: Annotated[bool, Option(help="Complete without descriptions.")] = False,
) -> None:
    """Print a script that makes powershell complete commands, options, bucket names and keys."""
    out.write(script(_SCRIPT, job))
