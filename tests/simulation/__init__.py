"""The whole server but its edge, and pages, in virtual time: ``python -m tests.simulation --seeds 1000``."""
