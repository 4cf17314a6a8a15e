"""The command line: the only room that knows argv, stdout, exit statuses and the environment."""
