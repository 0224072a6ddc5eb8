"""A lobby with short ways to fill it; shared by the lobby's contract tests."""

from typing import Protocol

from citychat.model import District, Offer, Session
from citychat.ports import Entered, Entry, GuestStatus, Lobby, SeekResult

CENTRE = District(2288, 242)
RENEWED_S = 14


class Advances(Protocol):
    def now_ms(self) -> int: ...

    async def advance(self, seconds: float) -> None: ...


class LobbyTown:
    """Guests enter in view, available, not looking, all in one pool and district, on process ``p``, unless told. No
    seeker rests, unless ``rest_ms`` says so."""

    def __init__(self, lobby: Lobby, clock: Advances, rest_ms: int = 0) -> None:
        self.lobby, self.clock, self.rest_ms = lobby, clock, rest_ms
        self._offers = 0

    def entry(
        self,
        guest: str,
        *,
        process: str = "p",
        pool: str | None = "lyon",
        district: District = CENTRE,
        city: str = "Lyon",
        available: bool = True,
        slow: bool = False,
        visible: bool = True,
        epoch: int = 0,
        networks: tuple[str, ...] = (),
        avoided_networks: dict[str, int] | None = None,
        met: tuple[str, ...] = (),
        blocked: tuple[str, ...] = (),
        session: Session | None = None,
        network: str | None = None,
        own_network: str = "",
        towns: bool = False,
        languages: tuple[str, ...] = (),
    ) -> Entry:
        return Entry(
            guest,
            process,
            pool,
            district,
            city,
            available,
            slow,
            visible,
            epoch,
            networks,
            avoided_networks or {},
            met,
            blocked,
            session,
            (networks or ("",))[0] if network is None else network,
            own_network,
            towns,
            languages,
        )

    async def enter(self, *guests: str, **changes: object) -> Entered:
        """Let them enter; the answer is the last one's."""
        assert guests
        for guest in guests:
            entered = await self.lobby.enter(self.entry(guest, **changes))  # type: ignore[arg-type]
        return entered

    async def seek(self, guest: str, *neighbours: str) -> SeekResult:
        self._offers += 1
        return await self.lobby.seek(guest, f"offer-{self._offers}", self.rest_ms, neighbours)

    async def ask(self, seeker: str, candidate: str, *neighbours: str) -> Offer:
        """``seeker`` seeks and must come upon ``candidate``."""
        sought = await self.seek(seeker, *neighbours)
        assert sought.state == "asking", sought
        assert sought.offer is not None
        assert (sought.offer.seeker, sought.offer.candidate) == (seeker, candidate)
        return sought.offer

    async def waits(self, guest: str, *neighbours: str) -> bool:
        return await self.seek(guest, *neighbours) == SeekResult("waiting")

    async def end_offer(self, what: str, offer: str, epoch: int, s: str = "s") -> None:
        """Something that ends anna's offer to ben."""
        match what:
            case "accept":
                await self.lobby.accept("ben", offer, s)
            case "decline":
                await self.lobby.decline("ben", offer)
            case "later":
                await self.lobby.later("ben", offer)
            case "expire":
                await self.advance(15)
            case "leave":
                await self.lobby.leave("anna", epoch)
            case "stop":
                await self.lobby.stop("anna")
            case "block":
                await self.lobby.block("ben", "anna")

    async def look(self, guest: str, *, visible: bool = True, blocked: tuple[str, ...] = ()) -> None:
        """Let ``guest`` enter and wait for somebody, alone in a pool, and then come to the others."""
        await self.enter(guest, visible=visible, available=False, blocked=blocked, pool=f"only {guest}")
        assert await self.waits(guest)
        await self.lobby.move(guest, "lyon", CENTRE, "Lyon")

    async def talk(self, seeker: str, candidate: str, s: str) -> None:
        offer = await self.ask(seeker, candidate)
        await self.lobby.accept(candidate, offer.id, s)

    async def where(self, guest: str) -> GuestStatus:
        (known,) = await self.lobby.status([guest])
        return known

    async def state(self, guest: str) -> str:
        return (await self.where(guest)).state

    async def states(self, *guests: str) -> list[str]:
        return [found.state for found in await self.lobby.status(guests)]

    async def advance(self, seconds: float, *, alive: tuple[str, ...] = ("p",)) -> None:
        """Let time pass while the processes ``alive`` renew their leases of 15 s in time."""
        while seconds > 0:
            step = min(seconds, RENEWED_S)
            await self.clock.advance(step)
            for process in alive:
                await self.lobby.renew(process)
            seconds -= step


def row(s: str, *members: str) -> Session:
    return Session(s, members, ("Amber Fox", "Teal Owl"), "Lyon", 0, 1)
