"""A probe finds out whether guests can come in, and nobody finds the probe."""

from citychat.limits import bound
from tests.support.stage import Stage, on_stage

ADDRESS = "203.0.113.77"


@on_stage
async def test_a_probe_is_told_its_address_and_place_and_is_sent_away(stage: Stage) -> None:
    page = stage.p.page(address=ADDRESS)
    answer = await page.join(probe=True)
    assert (answer["ok"], answer["address"]) == (True, ADDRESS)
    assert set(answer) == {"ok", "address", "place"}
    assert page.closed == "probe"


@on_stage
async def test_a_probe_is_offered_to_nobody_counted_nowhere_and_leaves_nothing_behind(stage: Stage) -> None:
    here = stage.p
    anna = await here.join()
    assert await anna.seek() == "waiting"
    here.calls.clear()
    page = here.page()
    await page.join(probe=True)
    await stage.after(5)
    assert set(here.calls) <= {"guests.find", "guests.networks_paused", "status", "nearby", "renew", "mend"}
    assert anna.events("user-offer") == [] and anna.events("user-nearby") == []
    assert len(here.registry.by_page) == 1
    assert page.events("user-offer") == [] and page.kinds() == []


@on_stage
async def test_a_probe_takes_no_new_guest_of_its_network(stage: Stage) -> None:
    here = stage.node("strict", guests_per_hour=1)
    for _ in range(3):
        assert (await here.page(address=ADDRESS).join(probe=True))["ok"]
    assert (await here.page(address=ADDRESS).join())["ok"]
    assert (await here.page(address=ADDRESS).join())["error"] == "busy"


@on_stage
async def test_a_probe_is_refused_where_a_guest_would_be(stage: Stage) -> None:
    here = stage.p
    assert (await here.page().join(probe=True, consent="other"))["error"] == "refused-consent"
    for store in (here.history, here.lobby):
        store.away = {"all"}
        assert (await here.page().join(probe=True))["error"] == "unavailable"
        store.away = set()
    here.joining.draining = True
    assert (await here.page().join(probe=True))["error"] == "busy"


@on_stage
async def test_probes_of_one_network_are_bounded_as_joins_are(stage: Stage) -> None:
    most, asked = int(bound("joins of a network")), 0
    while (await stage.p.page(address=ADDRESS).join(probe=True))["ok"]:
        asked += 1
        assert asked <= most
    assert asked > 1
    assert (await stage.p.page(address=ADDRESS).join())["error"] == "busy"
    assert (await stage.p.page(address="203.0.114.77").join(probe=True))["ok"]
