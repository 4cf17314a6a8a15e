"""One module a command, each with ``run(arguments, options, out)``; failures are BoltErrors."""
