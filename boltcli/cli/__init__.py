"""The command line. Only this package handles argv, standard streams, exit statuses and the environment."""
