"""What leads to a person is pointed out before it is sent."""

from playwright.sync_api import expect

from tests.browser.conftest import Person
from tests.browser.walking import bubble, composer, together, write


def test_what_leads_to_a_person_is_pointed_out_once_in_a_chat(person: Person) -> None:
    a, b = together(person(), person())
    line = a.get_by_text("This looks like a phone number")
    write(a, "in 2026 at 10:30, 5 €")
    expect(bubble(b, "in 2026")).to_be_visible()
    composer(a).fill("call +49 171 1234567")
    composer(a).press("Enter")
    composer(a).press("Enter")  # in haste, before anybody can have read it
    expect(line).to_be_visible()
    expect(composer(a)).to_have_value("call +49 171 1234567")
    expect(composer(a)).to_be_focused()
    a.reload()
    composer(a).press("Enter")
    expect(bubble(b, "call +49")).to_be_visible()
    write(a, "me@example.org")
    expect(bubble(b, "me@example.org")).to_be_visible()
    expect(a.get_by_text("This looks like")).to_be_hidden()
