"""Places of guests: cities, the metro rule, address or position or choice to place."""

from citychat.places.gazetteer import City, Gazetteer
from citychat.places.meant import meant
from citychat.places.places import IpLocation, Places, Position, position
from citychat.places.zones import zone_of

__all__ = ["City", "Gazetteer", "IpLocation", "Places", "Position", "meant", "position", "zone_of"]
