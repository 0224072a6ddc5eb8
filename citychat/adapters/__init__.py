"""The engines behind the ports: one package an engine, its SQL or Lua beside it."""

from citychat.adapters.service_status import ServiceStatus

__all__ = ["ServiceStatus"]
