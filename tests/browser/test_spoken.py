"""Also nearby towns, and the languages that are spoken: the switch and the list, remembered, in a real browser."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.walking import enter


def more(page: Page) -> None:
    page.get_by_role("button", name="More").first.click()


def test_nearby_towns_are_switched_on_in_ready_or_more_and_remembered(person: Person) -> None:
    page = person()
    enter(page)
    switch = page.get_by_role("switch", name="Also nearby towns").first
    expect(switch).not_to_be_checked()
    expect(page.get_by_text("Nobody else is free in Lyon right now.")).to_be_visible()
    switch.check()
    expect(page.get_by_text("Nobody else is free in Lyon or a nearby town right now.")).to_be_visible()
    page.reload()
    expect(switch).to_be_checked()
    more(page)
    inside = page.get_by_role("dialog").get_by_role("switch", name="Also nearby towns")
    expect(inside).to_be_checked()
    inside.uncheck()
    page.keyboard.press("Escape")
    expect(switch).not_to_be_checked()


def test_a_language_of_two_names_is_met_under_one(person: Person) -> None:
    page = person(locale="nb-NO", extra_http_headers={"Accept-Language": "en"})
    enter(page)
    more(page)
    assert page.evaluate("navigator.languages")[0] == "nb-NO"
    spoken = page.get_by_role("list", name="Languages you speak")
    expect(spoken.get_by_role("listitem")).to_have_text(["Norwegian"])


def test_the_browser_s_languages_are_corrected_in_more(person: Person) -> None:
    page = person()
    enter(page)
    more(page)
    spoken = page.get_by_role("list", name="Languages you speak")
    expect(spoken.get_by_role("listitem")).to_have_text(["English"])
    offered = page.get_by_role("combobox", name="Add a language")
    offered.select_option("eu")
    expect(spoken.get_by_role("listitem")).to_have_text(["English", "Basque"])
    page.get_by_role("button", name="Remove: English").click()
    expect(spoken.get_by_role("listitem")).to_have_text(["Basque"])
    expect(offered).to_be_focused()
    for code in ("fr", "de", "it", "es"):
        offered.select_option(code)
    expect(offered).to_be_disabled()
    page.reload()
    more(page)
    expect(spoken.get_by_role("listitem")).to_have_text(["Basque", "French", "German", "Italian", "Spanish"])
