"""How much ``recover`` gets back from damaged files: ``python -m tests.rescue_score``."""
