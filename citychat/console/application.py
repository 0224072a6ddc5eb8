"""The console as Tornado serves it: every address, and nothing else."""

from tornado.web import Application

from citychat.console.backroom import Backroom
from citychat.console.case_pages import (
    AnswerHandler,
    CaseHandler,
    CasesHandler,
    CloseHandler,
    ExportHandler,
    FindHandler,
    HoldHandler,
    LiftHandler,
    PruneHandler,
    ReadHandler,
)
from citychat.console.drawing import Drawer
from citychat.console.handler import ConsoleHandler, EntryHandler, FileHandler, LeaveHandler
from citychat.console.site_pages import HouseHandler, MissingPageHandler, PausedHandler, StatusHandler, TrailHandler

CODE = r"/cases/([A-Z0-9]{1,32})"


def application(room: Backroom) -> Application:
    """Make what answers on the listener of the host."""
    here = {"room": room, "drawer": Drawer(room.face)}
    pages: dict[str, type[ConsoleHandler]] = {
        r"/": StatusHandler,
        r"/enter/([\w-]{1,100})": EntryHandler,
        r"/leave": LeaveHandler,
        r"/(console\.css|logo\.svg)": FileHandler,
        r"/cases": CasesHandler,
        r"/cases/prune": PruneHandler,
        r"/find": FindHandler,
        CODE: CaseHandler,
        rf"{CODE}/read": ReadHandler,
        rf"{CODE}/close": CloseHandler,
        rf"{CODE}/hold": HoldHandler,
        rf"{CODE}/answer": AnswerHandler,
        rf"{CODE}/lift": LiftHandler,
        rf"{CODE}/export": ExportHandler,
        r"/paused": PausedHandler,
        r"/house": HouseHandler,
        r"/trail": TrailHandler,
    }
    return Application(
        [(path, handler, here) for path, handler in pages.items()],
        default_handler_class=MissingPageHandler,
        default_handler_args=here,
    )
