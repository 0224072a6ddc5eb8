"""Floods, each while people talk and others come: what every promise about busy servers is measured by (make flood)."""
