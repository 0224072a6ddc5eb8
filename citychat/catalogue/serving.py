"""Sentences of the pages that work without a script: the notice form, what is missing, what is shown offline."""

from citychat.catalogue.sentence import sentence

SERVING = (
    # NOTE: Notice form, first lines. “Block or report” is the button in a chat: quote it as you have translated it.
    sentence(
        "notice.text",
        "For people who are not in the chat. In a chat, “Block or report” sends the messages along.",
    ),
    # NOTE: Notice form, label of a field.
    sentence("notice.what", "What is unlawful, and why?"),
    # NOTE: Notice form, label of a field: how the place of what happened can be found.
    sentence("notice.where", "Where and when? City, day and time, and the names shown in the chat."),
    # NOTE: Notice form, above the fields for name and address.
    sentence("notice.optional", "Name and mail address may be left out where someone under 18 is concerned."),
    # NOTE: Notice form, label of a field.
    sentence("notice.name", "Your name"),
    # NOTE: Notice form, label of a field.
    sentence("notice.mail", "Your mail address"),
    # NOTE: Notice form, beside a box to tick. "this": all that was written above.
    sentence("notice.faith", "As far as I know this is right and complete."),
    # NOTE: Notice form, button. At most 25 letters.
    sentence("notice.send", "Send"),
    # NOTE: Notice form, something was left out.
    sentence("notice.missing", "Please say what happened, what is unlawful, where, and tick the box at the end."),
    # NOTE: Notice form, the name or the address was left out.
    sentence("notice.nameless", "Please give your name and your mail address."),
    # NOTE: Notice form.
    sentence("notice.long", "That is too long. Please shorten it."),
    # NOTE: Notice form.
    sentence("notice.failed", "That did not work. Please try again later."),
    # NOTE: Notice form, after sending. The code stands below.
    sentence("notice.done", "Thank you, it was received. Your code:"),
    # NOTE: Below the code. “More” is the dialog of settings; {site} the name of this site.
    sentence(
        "notice.keep", "Keep the code: “More” in {site} tells what came of it. In danger? Call your emergency number."
    ),
    # NOTE: Rules, privacy, imprint and notice, last link. {site}: the name of this site.
    sentence("text.back", "Back to {site}"),
    # NOTE: Where the address of the host would stand in the rules, the privacy notice and the imprint: "Contact: …".
    sentence("text.nobody", "the host has given none"),
    # NOTE: Instead of everything, in a browser without scripts. {site}: the name of this site.
    sentence("nojs", "{site} needs JavaScript: messages arrive live. Nothing is loaded from anywhere but this server."),
    # NOTE: Heading of a page that does not exist.
    sentence("missing.title", "There is no such page."),
    # NOTE: Heading of the page that is shown without a network.
    sentence("offline.title", "No connection"),
    # NOTE: Below it. "What waited to be sent": messages.
    sentence(
        "offline.text",
        "{site} cannot be reached at the moment. What waited to be sent still waits in this browser.",
    ),
    # NOTE: Link below it. At most 25 letters.
    sentence("offline.again", "Try again"),
)
