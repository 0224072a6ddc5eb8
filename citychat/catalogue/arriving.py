"""Sentences of the first screens: what this is, the position, the city."""

from citychat.catalogue.sentence import plural, sentence

ARRIVING = (
    # NOTE: What the site is, for search engines and for an installed app. Not seen on the page.
    sentence("about", "Talk with someone in your city. No account, no name."),
    # NOTE: Arrive, the heading of the first page. Big letters on a phone: at most 45 letters. A friendly invitation.
    sentence("arrive.title", "Talk with someone in your city."),
    # NOTE: Arrive, below the heading. "asked about": the server asks both "would you talk with someone?".
    sentence(
        "arrive.text",
        "No account, no name. You are asked about one person nearby, and you talk only if both of you say yes.",
    ),
    # NOTE: Arrive, first of three points. "numbers" are phone numbers, "addresses" where somebody lives.
    sentence("arrive.rules", "Be decent. Never ask for names, numbers, addresses or money."),
    # NOTE: Arrive, second point. "They" is the person one talks with; "district" an area of about 10 km. The warning
    # is meant: somebody who puts effort into it can learn the district.
    sentence("arrive.seen", "They learn your city. Who tries hard can learn your district of about 10 km, never more."),
    # NOTE: Arrive, third point. {date} is a day, such as "1 January", in the language's own manner. "the host" is the
    # person who runs this server: use the same word everywhere. "reported ones": messages that were reported.
    sentence(
        "arrive.stored",
        "Messages are stored on this server until {date}; the host can read reported ones. Not end-to-end encrypted.",
    ),
    # NOTE: Arrive, beside the box to tick. The guest speaks: "I". Wording without a gender, if the language allows.
    sentence("arrive.consent", "I am 18 or older and accept the rules"),
    # NOTE: Arrive, below the box. {rules} and {privacy} are links: the next two sentences, which stand nowhere else,
    # so put them into whatever case this sentence wants.
    sentence("arrive.read", "Read the {rules} and the {privacy}."),
    # NOTE: Arrive, the words of the first link in "Read the {rules} and the {privacy}."
    sentence("arrive.rules.link", "rules"),
    # NOTE: Arrive, the words of the second link in "Read the {rules} and the {privacy}."
    sentence("arrive.privacy.link", "privacy notice"),
    # NOTE: Arrive, big button: go on, and let the browser give the position. At most 30 letters.
    sentence("arrive.position", "Start with my position"),
    # NOTE: Arrive, second button: go on and choose a city from a list. At most 30 letters.
    sentence("arrive.city", "Start with my city"),
    # NOTE: Arrive, shown and read out when a button was pressed and the box is not ticked.
    sentence("arrive.tick", "Please tick the box first."),
    # NOTE: Arrive, for somebody who had accepted an older version of the rules.
    sentence("arrive.changed", "The rules have changed. Please read them again."),
    # NOTE: Arrive and More, before the list of languages.
    sentence("language.label", "Language"),
    # NOTE: Heading while the browser's own question for the position is open.
    sentence("locate.title", "Your browser is asking for your position."),
    # NOTE: Below that heading. "Others" are other guests.
    sentence(
        "locate.text", "Only your district is kept: about 10 km, with at least 15,000 people. Others see the city."
    ),
    # NOTE: Instead of it, when the position has not come after some seconds.
    sentence("locate.wait", "This takes longer than it should."),
    # NOTE: Button below: give up waiting for the position and choose a city. At most 30 letters.
    sentence("locate.city", "Go on with my city"),
    # NOTE: The guest or the browser refused to give the position.
    sentence("locate.denied", "Your browser gave no position. Your city comes from your internet address instead."),
    # NOTE: The page was opened by plain http, where browsers give no position. "https" and "localhost" stay.
    sentence(
        "locate.insecure",
        "Browsers give a position to https and localhost only. Your city comes from your internet address instead.",
    ),
    # NOTE: City, heading.
    sentence("city.title", "Which city are you in?"),
    # NOTE: City, below the heading: how to use the field.
    sentence("city.text", "People are matched inside one city. Type its first letters."),
    # NOTE: City, label of the field. One word.
    sentence("city.label", "City"),
    # NOTE: City, no name in the list begins with what was typed. "bigger one": a bigger city nearby.
    sentence("city.none", "No city by that name. Try the next bigger one."),
    # NOTE: City, read out to people who do not see the list. {n}: how many cities begin so, 1 to 20.
    plural("city.some", "{n} city found", "{n} cities found"),
    # NOTE: City, in the list behind a city's name. {region} and {country} are names; give what your language puts
    # between two such names.
    sentence("city.where", "{region}, {country}"),
    # NOTE: City, link: ask the browser for the position. At most 30 letters.
    sentence("city.position", "Use my position"),
    # NOTE: City, the browser refused.
    sentence("city.position.none", "Your browser gave no position."),
    # NOTE: City, the position has not come yet. "asking you": whether it may.
    sentence(
        "city.position.wait", "This takes longer than it should. Your browser may be asking you; or type your city."
    ),
    # NOTE: City, link back to the page before. One word.
    sentence("city.back", "Back"),
    # NOTE: City, a change was refused. {city} is the name of a city: leave it uninflected.
    sentence("city.busy", "You have changed your city three times today. It stays {city} until tomorrow."),
    # NOTE: City, a change was refused because at this moment another guest is being asked to talk with this one.
    sentence("city.asked", "You can change your city when nobody is being asked."),
)
