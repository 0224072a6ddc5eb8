"""The address of a site, for the people of one of its cities."""

from citychat.places import City


def link_to(origin: str, city: City | None) -> str:
    """Return it. What follows the # stays in the browser: a server, or a log on the way, does not see it."""
    return f"{origin}/#city={city.id}" if city else f"{origin}/"
