"""How long tests wait: for what happens, not for how fast. No machine is so slow that a limit here ends a good test."""

PATIENCE_S = 300.0  # for one thing; the longest, a first start of RabbitMQ, takes 5 s, and 50 s on a tenth of a core
TEST_S = 1_800.0  # for a test; the longest takes two minutes. pytest-timeout's limit, in pyproject.toml, lies beyond
