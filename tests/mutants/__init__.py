"""The program with one rule left out, again and again: each must be caught (``python -m tests.mutants``)."""
