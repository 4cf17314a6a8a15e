"""One module a command, each with ``run(arguments, options, out, err)``; failures are BoltErrors."""
