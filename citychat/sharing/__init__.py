"""The share kit: a QR code of the site's address, a poster to print, a badge for other pages."""

from citychat.sharing.badge import Crowd, badge
from citychat.sharing.link import link_to
from citychat.sharing.qr import qr_svg

__all__ = ["Crowd", "badge", "link_to", "qr_svg"]
