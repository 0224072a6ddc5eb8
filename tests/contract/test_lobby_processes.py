"""What every lobby promises about processes, their leases and the epochs of their guests (protocol §2.8, M9)."""

import pytest

from tests.contract.lobby_town import LobbyTown


async def test_a_new_page_gets_a_larger_epoch_even_within_the_same_instant(town: LobbyTown) -> None:
    epochs = [(await town.enter("anna")).epoch for _ in range(3)]
    assert epochs[0] < epochs[1] < epochs[2]
    assert epochs[0] >= town.clock.now_ms() * 1_000
    await town.advance(1)
    assert (await town.enter("anna")).epoch >= town.clock.now_ms() * 1_000


async def test_a_page_that_was_replaced_cannot_take_the_guest_away(town: LobbyTown) -> None:
    old = await town.enter("anna")
    new = await town.enter("anna", process="q")
    await town.lobby.renew("q")
    assert await town.lobby.leave("anna", old.epoch) is None
    assert (await town.where("anna")).epoch == new.epoch
    assert await town.state("anna") == "free"
    await town.lobby.leave("anna", new.epoch)
    assert await town.state("anna") == "gone"
    assert await town.lobby.leave("nobody", 1) is None


async def test_a_process_that_enters_its_guests_again_keeps_their_epochs(town: LobbyTown) -> None:
    epoch = (await town.enter("anna")).epoch
    await town.lobby.drop("p")
    assert await town.state("anna") == "gone"
    assert (await town.enter("anna", epoch=epoch)).epoch == epoch
    await town.lobby.renew("p")
    assert await town.state("anna") == "free"


async def test_the_larger_recorded_epoch_wins_and_the_entry_changes_nothing(town: LobbyTown) -> None:
    old = (await town.enter("anna")).epoch
    await town.lobby.renew("q")
    new = await town.enter("anna", process="q", pool="paris")
    before = await town.where("anna")
    assert (await town.enter("anna", epoch=old)).epoch == new.epoch > old
    assert await town.where("anna") == before
    await town.enter("ben", pool="paris")
    await town.ask("ben", "anna")


async def test_a_lobby_that_lost_its_data_takes_the_epoch_a_process_holds(town: LobbyTown) -> None:
    held = (town.clock.now_ms() + 5_000) * 1_000
    assert (await town.enter("anna", epoch=held)).epoch == held
    assert (await town.enter("anna")).epoch == held + 1


async def test_guests_of_a_silent_process_are_gone_after_15_seconds(town: LobbyTown) -> None:
    await town.lobby.renew("q")
    await town.enter("ben", process="q")
    await town.enter("anna")
    await town.advance(14.9)
    assert await town.state("ben") == "free"
    assert await town.lobby.nearby("anna") == 1
    await town.advance(0.1)
    assert await town.states("anna", "ben") == ["free", "gone"]
    assert await town.lobby.nearby("anna") == 0
    assert await town.waits("anna")


async def test_a_silent_process_takes_its_offers_along_and_frees_the_other_side(town: LobbyTown) -> None:
    await town.lobby.renew("q")
    await town.enter("ben", process="q", slow=True)
    await town.enter("anna")
    await town.ask("anna", "ben")
    await town.advance(15)
    assert await town.states("anna", "ben") == ["free", "gone"]
    assert (await town.where("anna")).looking


async def test_a_process_that_renews_keeps_its_guests(town: LobbyTown) -> None:
    await town.enter("anna")
    await town.advance(3_600)
    assert await town.state("anna") == "free"


async def test_a_process_that_was_frozen_comes_back_with_its_guests(town: LobbyTown) -> None:
    await town.lobby.renew("q")
    await town.enter("ben", process="q")
    await town.enter("anna")
    await town.advance(20)
    assert await town.waits("anna")
    await town.lobby.renew("q")
    assert await town.state("ben") == "free"
    await town.advance(3_600, alive=("p", "q"))
    await town.ask("anna", "ben")


async def test_guests_of_a_dead_process_who_entered_elsewhere_stay(town: LobbyTown) -> None:
    await town.lobby.renew("q")
    await town.enter("ben", process="q")
    await town.enter("ben")
    await town.advance(20)
    await town.lobby.drop("q")
    assert await town.state("ben") == "free"


async def test_renewing_tells_whether_the_process_was_known_to_live(town: LobbyTown) -> None:
    assert not await town.lobby.renew("q")
    assert await town.lobby.renew("q")
    await town.advance(14.9)
    assert await town.lobby.renew("q")
    await town.advance(15)
    assert not await town.lobby.renew("q"), "its lease had run out"
    assert await town.lobby.renew("q")
    await town.lobby.drop("q")
    assert not await town.lobby.renew("q"), "it had been dropped"
    assert await town.lobby.renew("p")


async def test_guests_stand_nowhere_before_their_process_has_renewed(town: LobbyTown) -> None:
    await town.enter("ben", process="q")
    await town.enter("anna")
    assert await town.waits("anna")
    await town.lobby.renew("q")
    await town.ask("anna", "ben")


async def test_a_going_process_takes_its_guests_out_and_ends_their_offers_at_once(town: LobbyTown) -> None:
    await town.lobby.renew("q")
    await town.enter("ben", "carl", process="q")
    await town.enter("anna")
    await town.lobby.available("carl", False, False)
    await town.ask("anna", "ben")
    await town.lobby.drop("q")
    assert await town.states("anna", "ben", "carl") == ["free", "gone", "gone"]
    await town.lobby.renew("q")
    assert await town.states("ben", "carl") == ["gone", "gone"]
    await town.lobby.drop("never seen")


async def test_chats_outlive_their_processes(town: LobbyTown) -> None:
    await town.lobby.renew("q")
    await town.enter("ben", process="q")
    await town.enter("anna")
    await town.talk("anna", "ben", "s")
    await town.advance(60)
    assert await town.states("anna", "ben") == ["chat", "chat"]
    await town.lobby.drop("p")
    anna, ben = await town.lobby.status(["anna", "ben"])
    assert anna.session == ben.session == "s"


async def test_a_page_that_is_entered_again_keeps_its_open_offer_and_its_wish(town: LobbyTown) -> None:
    epochs = {guest: (await town.enter(guest)).epoch for guest in ("anna", "ben")}
    offer = await town.ask("anna", "ben")
    for guest, epoch in epochs.items():
        assert (await town.enter(guest, epoch=epoch)).over is None
    assert [where.offer for where in await town.lobby.status(["anna", "ben"])] == [offer, offer]
    assert (await town.where("anna")).looking
    assert (await town.enter("ben")).over == offer, "another page ends it"


async def test_a_page_that_is_entered_again_barred_by_now_loses_its_open_offer(town: LobbyTown) -> None:
    await town.enter("anna")
    epoch = (await town.enter("ben")).epoch
    offer = await town.ask("anna", "ben")
    assert (await town.enter("ben", epoch=epoch, blocked=("anna",))).over == offer
    assert await town.states("anna", "ben") == ["free", "free"]


async def test_nobody_rests_and_no_ring_counts_because_a_process_was_silent_or_stopped(town: LobbyTown) -> None:
    for how in ("silent", "stopped"):
        await town.lobby.renew("q")
        await town.enter("ben", process="q")
        await town.enter("anna", available=False)
        await town.ask("anna", "ben")
        if how == "silent":
            await town.clock.advance(14)
            await town.lobby.renew("p")
            await town.clock.advance(2)
            assert await town.states("ben") == ["gone"]
        else:
            await town.lobby.drop("q")
        await town.advance(121)  # M15
        await town.lobby.renew("q")
        await town.enter("ben", process="q")
        await town.ask("anna", "ben")
        await town.lobby.accept("ben", f"offer-{town._offers}", how)
        await town.lobby.end(how, ["anna", "ben"])
        await town.advance(121)


@pytest.mark.parametrize("moves", ["anna", "ben"])
async def test_an_offer_to_or_of_a_page_that_is_entered_by_a_silent_process_ends_as_nobodys_doing(
    town: LobbyTown, moves: str
) -> None:
    await town.look("ben")
    await town.enter("anna", available=False)
    await town.ask("anna", "ben")
    await town.enter(moves, available=False, process="silent", epoch=(await town.where(moves)).epoch)
    await town.advance(15)
    assert (await town.where("ben")).looking
