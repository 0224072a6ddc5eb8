"""What nobody of us has written, into everything that reads: ``python -m tests.fuzz --minutes 5 --seed 1``."""
