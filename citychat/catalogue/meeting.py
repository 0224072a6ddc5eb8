"""Sentences of the screen on which guests are ready, look for somebody, and are asked."""

from citychat.catalogue.sentence import plural, sentence

MEETING = (
    # NOTE: Ready, a small label above the city's name in big letters: "You are in / Lyon". The name is not inflected;
    # use words that stand well alone above a name, such as "Your city:".
    sentence("ready.in", "You are in"),
    # NOTE: Ready, below the city: why this city. The browser's position told.
    sentence("ready.position", "Your position said so."),
    # NOTE: Ready, below the city: why this city. The internet address told.
    sentence("ready.ip", "Your internet address said so."),
    # NOTE: Ready, below the city: why this city. "it" is the city.
    sentence("ready.chosen", "You chose it."),
    # NOTE: Ready, below the city: the host has named this city for the network on which the server stands.
    sentence("ready.home", "This is the host's own network."),
    # NOTE: Ready, below "This network": the guest is on the network on which the server stands.
    sentence("ready.network", "This is the host's own network."),
    # NOTE: Ready, in big letters in place of a city's name.
    sentence("ready.network.name", "This network"),
    # NOTE: Ready, link behind "Your internet address said so.": choose another city. At most 20 letters.
    sentence("ready.wrong", "Not right?"),
    # NOTE: Ready. {city} is a name and not inflected. "free": not in a chat.
    sentence("ready.none", "Nobody else is free in {city} right now."),
    # NOTE: Ready, the same on the host's own network.
    sentence("ready.none.network", "Nobody else is on this network right now."),
    # NOTE: Ready, two to five others are free.
    sentence("ready.few", "A few people are free right now."),
    # NOTE: Ready, more than five others are free.
    sentence("ready.many", "Many people are free right now."),
    # NOTE: Ready, the big button. "someone": any person, no gender. At most 25 letters.
    sentence("ready.find", "Find someone"),
    # NOTE: Ready and More, a switch: whether others may ask me to talk. At most 35 letters.
    sentence("ready.ask", "Others may ask me"),
    # NOTE: Below that switch: how often.
    sentence("ready.ask.text", "At most once in two minutes, and only while you look at this page."),
    # NOTE: Ready and settings, a switch: to meet people of towns within 50 km too. At most 30 letters.
    sentence("ready.towns", "Also nearby towns"),
    # NOTE: Below that switch: both must have it on, and each of the two then sees the name of the other one's city.
    sentence("ready.towns.text", "People up to 50 km away who want it too. You learn each other's city."),
    # NOTE: Ready, with that switch on. {city} is a name and not inflected.
    sentence("ready.none.towns", "Nobody else is free in {city} or a nearby town right now."),
    # NOTE: Ready, with that switch on, two to five others are free there. {city} is a name and not inflected.
    sentence("ready.few.towns", "A few people are free in {city} or nearby towns right now."),
    # NOTE: Ready, with that switch on, more than five others are free there. {city} is a name and not inflected.
    sentence("ready.many.towns", "Many people are free in {city} or nearby towns right now."),
    # NOTE: Link to the list of chats.
    sentence("ready.chats", "My chats"),
    # NOTE: The same link as it is read out when there is something unread.
    sentence("ready.chats.new", "My chats, new messages"),
    # NOTE: Ready, while a chat runs. {alias} is two English words that name the other person: leave them uninflected.
    sentence("ready.chatting", "You are talking with {alias}."),
    # NOTE: Ready and below an ended chat, button. At most 25 letters.
    sentence("ready.chatting.back", "Back to the chat"),
    # NOTE: A small mark behind a chat with unread messages: one short word, at most 8 letters.
    sentence("ready.unread", "new"),
    # NOTE: Ready, after the browser's Back while a chat runs. "Back once more": pressing Back again.
    sentence("ready.leaving", "Your chat goes on. Back once more leaves this page."),
    # NOTE: Looking: the server asks somebody at this moment.
    sentence("look.asking", "Asking someone nearby…"),
    # NOTE: Looking: the one who was asked did not say yes.
    sentence("look.next", "No luck this time, still looking."),
    # NOTE: Looking. {city} is a name and not inflected. "it": the chat.
    sentence("look.waiting", "Nobody free in {city} right now. Keep this page open; it will start by itself."),
    # NOTE: Looking, the same on the host's own network.
    sentence(
        "look.waiting.network",
        "Nobody else is free on this network right now. Keep this page open; it will start by itself.",
    ),
    # NOTE: Looking for some time, with the switch "Also nearby towns" on. {city} is a name and not inflected.
    sentence(
        "look.waiting.towns",
        "Nobody free in {city} or a nearby town right now. Keep this page open; it will start by itself.",
    ),
    # NOTE: Looking, button. At most 25 letters.
    sentence("look.stop", "Stop looking"),
    # NOTE: Looking, below: phones stop a page that is not shown.
    sentence("look.screen", "Waiting works while this page is on the screen."),
    # NOTE: Looking, link behind it: the screen of the phone shall not go dark.
    sentence("look.wake", "Keep the screen on"),
    # NOTE: Looking, button after a while alone: send the address of this site to friends. At most 25 letters.
    sentence("look.share", "Share this page"),
    # NOTE: The text that goes with the shared address.
    sentence("look.share.text", "Talk with someone in your city. No account, no name."),
    # NOTE: After "Share this page" where the browser can only copy.
    sentence("look.share.copied", "The address is copied."),
    # NOTE: After "Share this page" where the browser can do nothing: the address stands behind this.
    sentence("look.share.copy", "Copy this address:"),
    # NOTE: The search was stopped because nobody touched the page; with the next sentence as button.
    sentence("look.still", "Are you still there?"),
    # NOTE: Button below "Are you still there?". At most 25 letters.
    sentence("look.still.button", "Keep looking"),
    # NOTE: For a host who tries the server on the own computer. {url} is an address that is a link.
    sentence("look.alone", "Trying it alone? Open {url} as a second person."),
    # NOTE: Looking, read out at once: somebody was found. "someone": no gender.
    sentence("look.found", "Found someone."),
    # NOTE: Below it, a countdown. {n}: seconds, 2 or 1.
    plural("look.found.in", "Starting in {n}…", "Starting in {n}…"),
    # NOTE: Button beside the countdown: begin the chat at once. At most 25 letters.
    sentence("look.found.start", "Start now"),
    # NOTE: Ready, button, while nobody else is free: send me one notice when somebody has come. At most 45 letters.
    sentence("sign.ask", "Tell me once when somebody is here"),
    # NOTE: Below that button. A push service is what the maker of a browser runs, to wake the browser from outside.
    sentence(
        "sign.text",
        "One notice, today at most, by your browser's push service, which learns that you use this page."
        " It may not come.",
    ),
    # NOTE: Ready, in its place when it was pressed. "told": that somebody is here.
    sentence("sign.asked", "You will be told once, until midnight."),
    # NOTE: Link behind it: take it back. At most 30 letters.
    sentence("sign.stop", "Do not tell me"),
    # NOTE: The notice itself, shown by the browser while the page is closed. "Somebody": no gender.
    sentence("sign.told", "Somebody is in your city."),
    # NOTE: Ready, the button was pressed too often.
    sentence("sign.busy", "You have asked often enough for now."),
    # NOTE: Ready, the browser did not reach the push service of its maker.
    sentence("sign.failed", "Your browser's push service could not be asked."),
    # NOTE: Being asked, heading. {city} is a name and not inflected. "Someone": no gender.
    sentence("ring.title", "Someone in {city} would like to talk"),
    # NOTE: The same on the host's own network.
    sentence("ring.title.network", "Someone on this network would like to talk"),
    # NOTE: Being asked, below: whether one says yes or no.
    sentence("ring.text", "You stay anonymous either way."),
    # NOTE: Being asked, the button that says yes: begin to talk. One word, at most 12 letters.
    sentence("ring.talk", "Talk"),
    # NOTE: Being asked, the button that declines. One word, at most 12 letters.
    sentence("ring.no", "No"),
    # NOTE: Being asked, what "No" does. Quote the button's word as you have translated it.
    sentence("ring.no.text", "No means you two are never asked about each other again."),
    # NOTE: Being asked, link: decline without deciding, and be asked no more for now.
    sentence("ring.later", "Not now, stop asking me"),
    # NOTE: The one who wanted to talk has gone. "They" is one person, no gender.
    sentence("ring.over", "They are no longer waiting."),
    # NOTE: Being asked, only read out. {n}: seconds to answer, 10 to 60.
    plural("ring.seconds", "{n} second left", "{n} seconds left"),
    # NOTE: Title of the browser's tab and text of a notice when somebody asks. At most 35 letters.
    sentence("ring.tab", "Someone would like to talk"),
    # NOTE: After "Not now, stop asking me". "it" is the switch "Others may ask me".
    sentence("ring.off", "Nobody asks you until you switch it on again."),
)
