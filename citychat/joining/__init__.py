"""A guest's way in and out: admission, the order of a join, recovery of what was missed."""

from citychat.joining.admission import Admission, JoinRequest
from citychat.joining.joining import Joining
from citychat.joining.probing import probe

__all__ = ["Admission", "JoinRequest", "Joining", "probe"]
