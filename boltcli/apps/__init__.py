"""The programs whose files these are: recognise, decode, view, audit; see ``contract.py``."""
