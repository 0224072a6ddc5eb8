"""First questions: what both see when a chat begins, so that neither has to find the first word."""

from citychat.questions.first_questions import FILE, questions_in, questions_of_host, read_questions, which

__all__ = ["FILE", "questions_in", "questions_of_host", "read_questions", "which"]
