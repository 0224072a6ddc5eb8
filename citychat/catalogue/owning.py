"""Sentences about what is a guest's own: blocking and reporting, cases, settings, data, pauses."""

from citychat.catalogue.sentence import sentence

OWNING = (
    # NOTE: Dialog, heading. {alias}: two English words that name the other person, never inflected.
    sentence("defend.title", "Block or report {alias}"),
    # NOTE: In that dialog. "Both": blocking and reporting. "They": the other person.
    sentence("defend.text", "Both end the chat at once, and you two never meet again. They only see that you left."),
    # NOTE: In that dialog, first button. At most 20 letters.
    sentence("defend.block", "Block"),
    # NOTE: Below the first button. "it" is the chat.
    sentence("defend.block.text", "End it and never meet again."),
    # NOTE: In that dialog, second button: tell the host. At most 20 letters.
    sentence("defend.report", "Report"),
    # NOTE: Below the second button. "both of you": the reader and the other person.
    sentence("defend.report.text", "The host gets the last 50 messages of both of you."),
    # NOTE: Report and notice form, question above the reasons.
    sentence("report.title", "What happened?"),
    # NOTE: A reason of a report, to choose: the other person seems to be younger than 18.
    sentence("report.reason.minor", "Someone under 18"),
    # NOTE: A reason of a report, to choose.
    sentence("report.reason.threat", "Threat or danger"),
    # NOTE: A reason of a report, to choose. The guest speaks: "I".
    sentence("report.reason.sexual", "Sexual content I did not want"),
    # NOTE: A reason of a report, to choose.
    sentence("report.reason.hate", "Hate or harassment"),
    # NOTE: A reason of a report, to choose. "selling": of goods or services.
    sentence("report.reason.spam", "Spam, money or selling"),
    # NOTE: A reason of a report, to choose.
    sentence("report.reason.other", "Something else"),
    # NOTE: Report, label of a field.
    sentence("report.note", "Anything the host should know (optional)"),
    # NOTE: Report, when no reason was chosen.
    sentence("report.choose", "Please choose what happened."),
    # NOTE: Report, button. At most 25 letters.
    sentence("report.send", "Send the report"),
    # NOTE: After blocking. "Gone.": the other person is. "They": the other person.
    sentence("block.done", "Gone. You will not meet again. They only see that you left."),
    # NOTE: After a report. {code}: letters and figures.
    sentence("report.done", "Thank you. Your code is {code}. In danger now? Call your emergency number."),
    # NOTE: Below it. "More" is the dialog of settings: quote it as you have translated it, in your language's quotes.
    sentence("report.keep", "Keep the code: with it you can look up what came of it under “More”."),
    # NOTE: More, heading of a part: see what came of a report by its code.
    sentence("case.title", "Look up a report"),
    # NOTE: More, label of the field for the code.
    sentence("case.label", "Code of the report"),
    # NOTE: More, button beside that field. At most 12 letters.
    sentence("case.find", "Look up"),
    # NOTE: What came of a report: it is new.
    sentence("case.received", "Received. The host has not decided yet."),
    # NOTE: What came of a report: the host warned or paused somebody.
    sentence("case.acted", "Acted. The host did something about it."),
    # NOTE: What came of a report: the host saw no reason to act.
    sentence("case.none", "No action. The host looked at it."),
    # NOTE: What came of a report: an authority has asked that it is kept.
    sentence("case.held", "Kept for longer. The host has not decided yet."),
    # NOTE: What came of a report: somebody was paused, and the host ended the pause.
    sentence("case.lifted", "The host acted, and took it back later."),
    # NOTE: What came of a report: the same, after the paused person had objected.
    sentence("case.objected", "The host acted, and took it back after an objection."),
    # NOTE: The code is wrong, or the report is deleted. "180": days.
    sentence(
        "case.unknown", "There is no such code. Closed reports are deleted after 30 days, after 180 if the host acted."
    ),
    # NOTE: Too many codes were tried.
    sentence("case.busy", "Only five look-ups a minute. Please wait."),
    # NOTE: Heading of the dialog of settings, data and reports. Quoted as “More” elsewhere. At most 15 letters.
    sentence("more.title", "More"),
    # NOTE: Name of the button with three dots.
    sentence("more.open", "More: settings, your data"),
    # NOTE: Name of the button that closes a dialog. At most 15 letters.
    sentence("more.close", "Close"),
    # NOTE: More, heading of a part.
    sentence("more.settings", "Settings"),
    # NOTE: More, a switch: for people who read or type slowly. At most 35 letters.
    sentence("more.slow", "Give me more time"),
    # NOTE: Below that switch. "Questions": whether one would like to talk.
    sentence("more.slow.text", "Questions stay for 60 seconds."),
    # NOTE: More, a switch. At most 35 letters.
    sentence("more.typing", "Show when I am typing"),
    # NOTE: More, a switch: the key Enter sends a message. At most 35 letters.
    sentence("more.enter", "Enter sends"),
    # NOTE: Below that switch. "Else": when it is off. "the button": the one that sends.
    sentence("more.enter.text", "Else Enter makes a new line, and the button sends."),
    # NOTE: More, a switch: the notices of the browser. At most 35 letters.
    sentence("more.notices", "Show notices"),
    # NOTE: Below that switch. "They": the notices.
    sentence("more.notices.text", "While you look elsewhere. They never say what was written."),
    # NOTE: After that switch, when the browser refuses. "Its settings for this page do": allow it.
    sentence("more.notices.refused", "Your browser does not allow it. Its settings for this page do."),
    # NOTE: More, heading above the list of languages that the guest speaks.
    sentence("more.languages", "Languages you speak"),
    # NOTE: Below that heading.
    sentence(
        "more.languages.text",
        "Who shares one comes first, for 10 seconds of a search; then anybody. The other one is never told. "
        "Without any, anybody at once.",
    ),
    # NOTE: The list of languages that can be added: its label, and what it shows while nothing is chosen.
    sentence("more.languages.add", "Add a language"),
    # NOTE: Button beside a language, read out. {language} is its name, not inflected.
    sentence("more.languages.remove", "Remove: {language}"),
    # NOTE: More, heading of a part.
    sentence("more.data", "Your data"),
    # NOTE: More, link. Also quoted in the privacy notice.
    sentence("more.download", "Download my chats"),
    # NOTE: After that link.
    sentence("more.download.wait", "Collecting your chats…"),
    # NOTE: After that link. {n} and {all}: how many chats of how many.
    sentence("more.download.some", "Collecting your chats: {n} of {all}."),
    # NOTE: More, link in red. Also quoted in the privacy notice.
    sentence("more.erase", "Erase everything about me"),
    # NOTE: Dialog, heading.
    sentence("erase.title", "Erase everything about me?"),
    # NOTE: In that dialog. "both screens": the reader's and the other person's. "your id": the random number by which
    # the server knows this browser.
    sentence(
        "erase.text",
        "Your messages vanish from both screens and from the server, with your matches and your id."
        " A running chat ends.",
    ),
    # NOTE: In that dialog, small. "reported ones": reported messages; "closed the case": decided about the report;
    # "180": days.
    sentence(
        "erase.kept",
        "Erased messages can still be attached to a report from that chat for 72 hours; reported ones stay until the"
        " host has closed the case, and 30 days more, 180 if the host acted.",
    ),
    # NOTE: In that dialog, small.
    sentence("erase.new", "People you declined or blocked can meet you again: you will be somebody new."),
    # NOTE: In that dialog, red button. At most 25 letters.
    sentence("erase.yes", "Erase everything"),
    # NOTE: In that dialog, the button that erases nothing. At most 25 letters.
    sentence("erase.no", "Keep it"),
    # NOTE: Heading after erasing.
    sentence("erase.done", "Everything about you is erased."),
    # NOTE: Button below: begin as somebody new. At most 25 letters.
    sentence("erase.start", "Start again"),
    # NOTE: Heading for somebody whom the host or the server keeps away for a time ("paused").
    sentence("banned.title", "Not now"),
    # NOTE: Below it. {date}: a day and an hour.
    sentence("banned.text", "You cannot use this server until {date}."),
    # NOTE: Below it, when there is no end.
    sentence("banned.good", "You cannot use this server any more."),
    # NOTE: Below it, for somebody who comes new from the network of a paused guest. {date}: a day and an hour.
    sentence(
        "banned.network", "New guests from your network cannot use this server until {date}: someone there is paused."
    ),
    # NOTE: How the pause came about.
    sentence("banned.automatic", "Automatic, after reports by several people."),
    # NOTE: How the pause came about.
    sentence("banned.host", "Decided by the host."),
    # NOTE: Which rule of the rules page was broken. {rule}: its number.
    sentence("banned.rule", "Rule {rule}"),
    # NOTE: The same, with the host's own words. {reason}: those, a sentence in any language.
    sentence("banned.rule.reason", "Rule {rule}: {reason}"),
    # NOTE: A number to name when writing to the host. {code}: letters and figures.
    sentence("banned.reference", "Reference: {code}"),
    # NOTE: How to object where it cannot be done on this page. {contact}: an address, or the next sentence.
    sentence("banned.contact", "Object: {contact}"),
    # NOTE: Behind "Object:", when the host gives no address: whom to turn to.
    sentence("banned.nobody", "the host of this server"),
    # NOTE: Label of the field in which a paused guest may object one time.
    sentence("banned.object", "Object, once, in at most 1,000 characters"),
    # NOTE: Button below it. At most 25 letters.
    sentence("banned.send", "Send the objection"),
    # NOTE: When the field was empty.
    sentence("banned.empty", "Please write something first."),
    # NOTE: After "Look again" or after sending.
    sentence("banned.asking", "Asking the server. This goes on by itself."),
    # NOTE: Above the guest's own words.
    sentence("banned.yours", "You objected:"),
    # NOTE: Below them.
    sentence("banned.waits", "The host has not answered yet."),
    # NOTE: Above the host's words.
    sentence("banned.answer", "The host answered:"),
    # NOTE: Button: whether anything has changed. At most 25 letters.
    sentence("banned.again", "Look again"),
    # NOTE: Heading when a pause was ended by the host.
    sentence("lifted.title", "The host has ended your pause."),
    # NOTE: Heading of a warning.
    sentence("lifted.warned", "The host warns you."),
    # NOTE: Button below both. At most 25 letters.
    sentence("lifted.on", "Go on"),
    # NOTE: While something is fetched.
    sentence("loading", "Loading…"),
    # NOTE: Foot of every page: the messages are.
    sentence("foot.plain", "Not end-to-end encrypted"),
    # NOTE: Foot of every page, link; heading of the rules.
    sentence("foot.rules", "Rules"),
    # NOTE: Foot of every page, link; heading of the privacy notice.
    sentence("foot.privacy", "Privacy"),
    # NOTE: Foot of every page, link: who runs this site, as the law of some countries wants it.
    sentence("foot.imprint", "Imprint"),
    # NOTE: Foot of every page, link; heading of a form for people who are no guests.
    sentence("foot.notice", "Report something unlawful"),
    # NOTE: Foot of every page, link to write to the host.
    sentence("foot.contact", "Contact"),
    # NOTE: The same where it is no link. {contact}: the host's words, such as a name and a phone number.
    sentence("foot.contact.text", "Contact: {contact}"),
    # NOTE: The same where there is none.
    sentence("foot.nobody", "The host gives no contact"),
)
