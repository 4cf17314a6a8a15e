"""The programs whose files these are: recognise, decode, view, audit. ``contract.py`` says what an application gives."""
