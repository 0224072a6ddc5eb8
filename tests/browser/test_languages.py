"""The guest's choice of a language: at once, with nothing lost, and again at the next visit."""

import json

import pytest
from playwright.sync_api import Page, expect

from citychat.catalogue import ENGLISH
from tests.browser.conftest import Person
from tests.browser.walking import bubble, composer, enter, meet, write
from tests.support.pseudo import CODE, pseudo, told

OFFERED = json.dumps({"en": "English", CODE: "Éñĝļîšĥ"})
# As soon as the page begins, before any of its scripts
OFFERING = f"""new MutationObserver((_, all) => {{
    document.documentElement.dataset.languages = JSON.stringify({OFFERED});
    all.disconnect();
}}).observe(document, {{ childList: true }})"""
FAILED = "Failed to load resource"


def in_pseudo(name: str, **values: str) -> str:
    return pseudo(ENGLISH[name]).format(**values)


def offering(page: Page) -> Page:
    """Open the page anew as if the server had one language more."""
    worker = str(page.locator("html").get_attribute("data-worker"))
    page.context.add_init_script(OFFERING)
    page.context.route(f"**/sentences/{CODE}.json", lambda route: route.fulfill(json=told(worker)))
    page.reload()
    return page


def test_on_arrive_the_page_speaks_another_language_at_once_and_at_the_next_visit(person: Person) -> None:
    page = offering(person())
    page.get_by_role("checkbox").check()
    page.get_by_label("Language", exact=True).focus()
    page.get_by_label("Language", exact=True).select_option(CODE)
    expect(page.get_by_role("heading", level=1)).to_have_text(in_pseudo("arrive.title"))
    expect(page.get_by_role("checkbox")).to_be_checked()
    expect(page.locator("#language")).to_be_focused()
    assert page.locator("#language option").evaluate_all("(all) => all.map((one) => one.lang)") == ["en", CODE]
    speaks_pseudo(page)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(in_pseudo("arrive.title"))
    speaks_pseudo(page)


def speaks_pseudo(page: Page) -> None:
    """Both what the script says and what the server has written."""
    assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == [CODE, "rtl"]
    rules = page.get_by_role("link", name=in_pseudo("foot.rules"), exact=True)
    expect(rules).to_have_attribute("href", f"/rules?language={CODE}")
    expect(page.locator("#language")).to_have_value(CODE)


def test_in_more_nothing_is_lost_neither_a_chat_nor_what_is_typed(person: Person, server: str) -> None:
    a, b = offering(person()), person(url=server.replace("localhost", "127.0.0.1"))
    enter(a)
    enter(b)
    meet(a, b)
    write(b, "before")
    composer(a).fill("half a thought")
    a.get_by_role("button", name="Back").click()
    a.get_by_role("button", name="More").click()
    a.get_by_label("Code of the report").fill("EYTPEL2MF7")
    a.get_by_label("Language", exact=True).select_option(CODE)
    dialog = a.get_by_role("dialog")
    expect(dialog.get_by_role("heading", level=2)).to_have_text(in_pseudo("more.title"))
    expect(dialog.locator("#case")).to_have_value("EYTPEL2MF7")
    expect(dialog.locator("#language")).to_be_focused()
    a.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    a.locator("button.chat").click()
    expect(a.get_by_label(in_pseudo("talk.write"))).to_have_value("half a thought")
    expect(a.locator(".bubble").first).to_contain_text("before")
    a.get_by_role("button", name=in_pseudo("talk.send"), exact=True).click()
    expect(bubble(b, "half a thought")).to_be_visible()
    write(b, "after")
    expect(a.locator(".bubble").last).to_contain_text("after")
    a.get_by_role("button", name=in_pseudo("talk.back")).click()
    a.get_by_role("button", name=in_pseudo("more.open")).click()
    a.locator("#language").select_option("en")
    expect(dialog.get_by_role("heading", level=2)).to_have_text("More")
    assert a.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["en", "ltr"]


def test_without_an_answer_the_page_stays_as_it_is_and_says_so(person: Person, complaints: list[str]) -> None:
    page = offering(person())
    page.context.route("**/sentences/*", lambda route: route.abort())
    page.get_by_label("Language", exact=True).select_option(CODE)
    expect(page.get_by_role("alert").get_by_text("That did not work")).to_be_visible()
    expect(page.get_by_label("Language", exact=True)).to_have_value("en")
    expect(page.get_by_role("heading", level=1)).to_have_text(ENGLISH["arrive.title"])
    assert page.evaluate("localStorage.length") == 0
    complaints[:] = [each for each in complaints if FAILED not in each]


def test_names_of_the_other_direction_stand_apart_in_a_sentence(person: Person) -> None:
    page = offering(person())
    page.get_by_label("Language", exact=True).select_option(CODE)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name=in_pseudo("arrive.city")).click()
    expect(page.get_by_text(in_pseudo("ready.none", city="\u2068Lyon\u2069"))).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/rules", "/offline"])
def test_a_language_that_is_asked_for_by_its_name_is_that_of_the_page(person: Person, server: str, path: str) -> None:
    page = person(url=f"{server}{path}?language=en", locale="de-DE")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert all("language=en" in address for address in page.locator("a[href^='/']").evaluate_all(
        "(all) => all.map((one) => one.href)"))  # fmt: skip
