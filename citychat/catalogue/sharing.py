"""Sentences that leave the page: in a calendar, on a badge that other sites show, on a poster."""

from citychat.catalogue.sentence import sentence

SHARING = (
    # NOTE: Name of an entry in a calendar. {site}: the name of this site.
    sentence("calendar.title", "{site}: meeting hour"),
    # NOTE: Badge, a small picture on other web pages: fewer than five people are here. At most 32 letters.
    sentence("badge.none", "Not many here right now"),
    # NOTE: Badge. At most 32 letters.
    sentence("badge.few", "A few people are here"),
    # NOTE: Badge. At most 32 letters.
    sentence("badge.many", "Many people are here"),
    # NOTE: Badge. {day}: a day of the week, {begin}, {end}: times of day, {city}: by whose clock. Short.
    sentence("badge.next", "Meeting hour: {day} {begin}–{end} ({city})"),
    # NOTE: Badge, while it is the meeting hour.
    sentence("badge.now", "Meeting hour now, until {end} ({city})"),
    # NOTE: Poster, a sheet of paper to hang up; its heading. {city}: a city.
    sentence("poster.title", "Talk with someone in {city}."),
    # NOTE: Poster, below the heading.
    sentence("poster.text", "You are asked about one person nearby, and you talk only if both of you say yes."),
    # NOTE: Poster, before days and hours. {city}: a city.
    sentence("poster.hours", "We meet here, by the clock of {city}:"),
    # NOTE: Poster, in place of a day of the week.
    sentence("poster.daily", "Every day"),
    # NOTE: Poster, below a QR code and above the address.
    sentence("poster.scan", "Point the camera of your phone at this, or type:"),
    # NOTE: Poster, last line.
    sentence("poster.adult", "No account, no name. For people of 18 and older."),
    # NOTE: Badge and poster, a day of the week; so the next six.
    sentence("week.mon", "Monday"),
    # NOTE: A day of the week.
    sentence("week.tue", "Tuesday"),
    # NOTE: A day of the week.
    sentence("week.wed", "Wednesday"),
    # NOTE: A day of the week.
    sentence("week.thu", "Thursday"),
    # NOTE: A day of the week.
    sentence("week.fri", "Friday"),
    # NOTE: A day of the week.
    sentence("week.sat", "Saturday"),
    # NOTE: A day of the week.
    sentence("week.sun", "Sunday"),
)
