"""The engines behind the ports: one package an engine, its SQL or Lua beside it."""
