"""CityChat: anonymous one-to-one chat inside a city."""

__version__ = "0.2.0"
