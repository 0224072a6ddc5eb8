"""Sentences by which a city is not empty: meeting hours, quiet hours, a link with a city, the first question."""

from citychat.catalogue.sentence import sentence

GATHERING = (
    # NOTE: Arrive and Ready. A "meeting hour" is when people of a city have agreed to be on this page. {when} is a time
    # such as "Thursday, 8:00 – 9:00 PM", {soon} one such as "in 2 days" or "in 40 minutes".
    sentence("hours.meeting", "Meeting hour: {when}, {soon}."),
    # NOTE: The same for somebody whose clock is another one than that of the city. {here}: a time such as {when}.
    sentence("hours.far", "Meeting hour: {when} in {city}, {soon}. Where you are that is {here}."),
    # NOTE: While it is the meeting hour. {time}: a time of day. Read out when it begins.
    sentence("hours.now", "It is the meeting hour, until {time}."),
    # NOTE: The host has "quiet hours", usually at night, in which nobody is led to anybody new. {time}: a time of day.
    sentence("hours.quiet", "Quiet hours: until {time} nobody new is led together."),
    # NOTE: In the hour before them. {soon}: such as "in 40 minutes"; {begin}, {time}: times of day.
    sentence("hours.soon", "Quiet hours begin {soon}. From {begin} until {time} nobody new is led together."),
    # NOTE: Link behind the meeting hour, to a file for the calendar of the phone. At most 30 letters.
    sentence("hours.calendar", "Put it in my calendar"),
    # NOTE: City. Somebody has sent a link that is meant for {city}, such as "Lyon, France".
    sentence("city.linked", "This page was shared with you for {city}."),
    # NOTE: Button below: the guest confirms it. The guest speaks: "I".
    sentence("city.linked.yes", "I am in {city}"),
    # NOTE: What is sent along with a link that the guest shares.
    sentence("look.share.city", "Talk with someone in {city}. No account, no name."),
    # NOTE: Link below "Share this page". A QR code is the square that a phone's camera reads. At most 30 letters.
    sentence("look.share.qr", "Show a QR code"),
    # NOTE: For a screen reader, in place of the QR code. {url}: the address in it.
    sentence("look.share.qr.text", "QR code of {url}"),
    # NOTE: At the top of a new chat, seen by both. {question}: a whole question, such as "Mountains or sea?".
    sentence("talk.question", "To begin with: {question}"),
    # NOTE: More, a switch. The first question of a chat, the line before this one.
    sentence("more.question", "Show a first question"),
    # NOTE: More, below that switch.
    sentence("more.question.text", "Both of you see the same one when a chat begins."),
)
