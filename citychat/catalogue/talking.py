"""Sentences of a chat: its frame, its messages, the link, its end, and the list of chats."""

from citychat.catalogue.sentence import plural, sentence

TALKING = (
    # NOTE: Two whole sentences, one behind the other. Write them with a space between, or without one where your
    # language puts none (Japanese).
    sentence("sentences.two", "{first} {second}"),
    # NOTE: Chat, above the first message. {alias}: two English words, such as "Amber Heron", that name the other
    # person; never inflected or translated.
    sentence("talk.intro", "You are talking with {alias}. Neither of you knows who the other is."),
    # NOTE: Chat, behind it. "They" is the other person; {you}: the two English words by which they know the reader.
    sentence("talk.you", "They know you as {you}."),
    # NOTE: Chat, behind the sentence before, where the two are of two towns. {cities}: two names with a dash between.
    sentence("talk.cities", "You two are in {cities}."),
    # NOTE: Chat, in the empty field for the text, and its label. At most 25 letters.
    sentence("talk.write", "Write a message"),
    # NOTE: Chat, name of the button that sends.
    sentence("talk.send", "Send"),
    # NOTE: Chat, small below the other person's alias: they have the page open. One word, no gender if possible.
    sentence("talk.here", "here"),
    # NOTE: Chat, small below the alias: they are not connected. One word, no gender if possible.
    sentence("talk.away.short", "away"),
    # NOTE: Chat, a line above the messages: the other person is away. {n}: minutes, 1 to 119. What is written now
    # waits 24 hours for them and is lost then.
    plural(
        "talk.away.minutes",
        "Away for {n} minute, what you write waits 24 hours",
        "Away for {n} minutes, what you write waits 24 hours",
    ),
    # NOTE: Chat, the same with hours. {n}: 2 to 720.
    plural(
        "talk.away.hours",
        "Away for {n} hour, what you write waits 24 hours",
        "Away for {n} hours, what you write waits 24 hours",
    ),
    # NOTE: Chat, the same in the first minute.
    sentence("talk.away.now", "Just went away, what you write waits 24 hours"),
    # NOTE: Chat, small below the alias: the other person has ended the chat. No gender if possible. At most 25 letters.
    sentence("talk.left", "has left"),
    # NOTE: Chat, small below the alias: the reader has ended the chat. At most 25 letters.
    sentence("talk.left.you", "you have left"),
    # NOTE: Chat, small below the alias: the chat has ended, nobody knows how. At most 15 letters.
    sentence("talk.over", "over"),
    # NOTE: Chat, read out while three dots move. {alias}: two English words, never inflected.
    sentence("talk.typing", "{alias} is typing"),
    # NOTE: Chat, button in the bar: leave for good. A short word, at most 12 letters.
    sentence("talk.leave", "Leave"),
    # NOTE: Name of the arrow back to the page before.
    sentence("talk.back", "Back"),
    # NOTE: Chat, name of the flag button, which leads to both. Also quoted in the notice form.
    sentence("talk.defend", "Block or report"),
    # NOTE: Chat, name of the list of messages, only read out.
    sentence("talk.log", "Messages"),
    # NOTE: Chat, button that leads to the end, and title of the tab: new messages have come. At most 25 letters.
    sentence("talk.new", "New messages"),
    # NOTE: Title of the tab and text of a notice. At most 30 letters.
    sentence("talk.begun", "Your chat has begun"),
    # NOTE: Read out before a message of the reader's own: who has written it.
    sentence("talk.mine", "You"),
    # NOTE: Read out before a message; {who} is "You" or the other person's alias.
    sentence("talk.who", "{who}:"),
    # NOTE: Chat, button above the messages. At most 30 letters.
    sentence("talk.older", "Show older messages"),
    # NOTE: Chat, the text is too long. {n}: how many characters it has; {max}: 2,000. Both written as your language
    # writes numbers.
    sentence("talk.long", "Too long: {n} of {max} characters."),
    # NOTE: Chat, a message was not taken: the server has not answered for a long time.
    sentence("talk.full", "200 messages wait to be sent. You can write again when the server has some of them."),
    # NOTE: Chat, before sending: a warning about a mail address in the text. "they" is the other person.
    sentence(
        "nudge.mail",
        "This looks like a mail address: with it they can find out who you are. To send it all the same, send again.",
    ),
    # NOTE: Chat, before sending: a warning about a phone number in the text.
    sentence(
        "nudge.phone",
        "This looks like a phone number: with it they can find out who you are. To send it all the same, send again.",
    ),
    # NOTE: Chat, before sending: a warning about a street and number in the text.
    sentence(
        "nudge.street",
        "This looks like an address: with it they can find out where you are. To send it all the same, send again.",
    ),
    # NOTE: Chat, in place of a message of the other person that is lost.
    sentence("talk.gap", "A message was lost on the way and will not come."),
    # NOTE: Chat. {alias}: two English words. "their": the other person's, no gender.
    sentence("talk.erased", "{alias} has erased their messages."),
    # NOTE: Chat, below the last message: the other person has ended the chat. {alias}: two English words.
    sentence("talk.ended", "{alias} has left."),
    # NOTE: Chat, below the last message: the reader has ended it.
    sentence("talk.ended.you", "You have left this chat."),
    # NOTE: Chat, below the last message: it has ended, nobody knows how.
    sentence("talk.ended.over", "This chat has ended."),
    # NOTE: Below an ended chat, label of what was typed and not sent any more.
    sentence("talk.unsent", "Not sent, the chat had ended:"),
    # NOTE: Link below it: copy that text.
    sentence("talk.copy", "Copy it"),
    # NOTE: After that.
    sentence("talk.copied", "Copied."),
    # NOTE: Below an ended chat, button: talk with the same person again. At most 25 letters.
    sentence("talk.again", "Talk again"),
    # NOTE: Below that button. "it" is the button.
    sentence("talk.again.text", "Works only if both of you press it within 24 hours."),
    # NOTE: After that button. {alias}: two English words. "asked first": whether one still wants to talk.
    sentence("talk.again.asked", "If {alias} presses it too, you talk again. After 10 minutes you are asked first."),
    # NOTE: Status of a message of the reader's own.
    sentence("tick.waiting", "Waiting to be sent"),
    # NOTE: Status of a message: it is on the server, the other person does not have it yet. At most 25 letters.
    sentence("tick.stored", "Kept by the server"),
    # NOTE: Status of a message: the other person's page has it. At most 20 letters.
    sentence("tick.delivered", "Delivered"),
    # NOTE: Status of a message.
    sentence("tick.lost", "Not delivered: 24 hours have passed"),
    # NOTE: Status of a message. {why} is one of the next four sentences.
    sentence("tick.refused", "Not sent: {why}"),
    # NOTE: Behind "Not sent:".
    sentence("why.no-session", "the chat had ended"),
    # NOTE: Behind "Not sent:".
    sentence("why.bad-payload", "the server did not understand it"),
    # NOTE: Behind "Not sent:".
    sentence("why.day-full", "you have written as much as fits into a day"),
    # NOTE: Behind "Not sent:".
    sentence("why.other", "the server refused it"),
    # NOTE: Above the field for the text, while the connection is down.
    sentence("link.cut", "Reconnecting. You can keep typing."),
    # NOTE: The same elsewhere.
    sentence("link.cut.short", "Reconnecting."),
    # NOTE: The connection has not been possible for a while.
    sentence("link.blocked", "Your network blocks live connections. Try mobile data or another network."),
    # NOTE: The server is being restarted by its host.
    sentence("link.drain", "The server is restarting. Nothing is lost."),
    # NOTE: Above the field for the text: too many messages in a short time. {n}: seconds; "s" stands for seconds.
    plural("link.busy", "Too fast: wait {n} s, your text is kept.", "Too fast: wait {n} s, your text is kept."),
    # NOTE: A database of the server does not answer. "It" is what the guest was doing.
    sentence("link.unavailable", "A part of the server is away. It goes on by itself."),
    # NOTE: The server has no room left to store. "its host": who runs it.
    sentence("link.disk", "The disk of this server is nearly full: no new chat begins until its host has made room."),
    # NOTE: The host lets nobody begin a new chat for now ("led together": brought together to talk).
    sentence("link.closed", "Nobody new is led together right now."),
    # NOTE: The browser refuses to store anything. "somebody new": as if for the first time here.
    sentence("link.memory", "This browser stores nothing: a reload makes you somebody new."),
    # NOTE: The browser's storage is full.
    sentence("link.full", "This browser's storage is full: a reload may lose what was just written."),
    # NOTE: After it, when there is room again.
    sentence("link.room", "This browser stores again."),
    # NOTE: Anything that was pressed and did not work.
    sentence("link.failed", "That did not work. Please try again."),
    # NOTE: Heading: the same guest has opened another window, and this one stops.
    sentence("twin.title", "This chat goes on in another window."),
    # NOTE: Button below: go on in this window. At most 25 letters.
    sentence("twin.use", "Use it here"),
    # NOTE: Dialog before a chat is left, heading.
    sentence("leave.title", "Really leave?"),
    # NOTE: In that dialog. "What the server has kept": messages that were not delivered yet.
    sentence(
        "leave.text",
        "You can undo it for 5 seconds, then it is final. What the server has kept is still delivered, and you are not"
        " told when.",
    ),
    # NOTE: In that dialog, the button that leaves. At most 15 letters.
    sentence("leave.yes", "Leave"),
    # NOTE: In that dialog, the button that does not. At most 15 letters.
    sentence("leave.no", "Stay"),
    # NOTE: For 5 seconds after leaving, beside "Undo". "Left.": the reader has left. {alias}: two English words.
    sentence("leave.held", "Left. {alias} is told in a moment."),
    # NOTE: Button beside it. At most 20 letters.
    sentence("leave.undo", "Undo"),
    # NOTE: After leaving while the connection is down.
    sentence("leave.later", "Left. {alias} is told when the link is back."),
    # NOTE: List of chats, heading.
    sentence("chats.title", "My chats"),
    # NOTE: List of chats, when it is empty.
    sentence("chats.none", "No chats yet."),
    # NOTE: Below it. {n}: days, such as 30.
    plural(
        "chats.none.text",
        "A chat stays here for {n} day, then it is deleted.",
        "A chat stays here for {n} days, then it is deleted.",
    ),
    # NOTE: List of chats, below the alias: this one is running. One word.
    sentence("chats.now", "now"),
    # NOTE: List of chats, below the alias. {when}: an hour, a day of the week or a date, when it was; {date}: the day
    # on which it is deleted. Choose words that work with all of them.
    sentence("chats.row", "{when}, deleted {date}"),
    # NOTE: An old chat, below the alias. {date}: the day on which it will be deleted.
    sentence("chats.deleted", "Deleted on {date}"),
    # NOTE: List of chats, button below it. At most 30 letters.
    sentence("chats.older", "Show older chats"),
    # NOTE: In an old chat without a message.
    sentence("chats.empty", "Nothing was written in this chat."),
)
