"""What the domain says when it refuses.

Each error carries a sentence that can be shown to whoever asked, and a stable `code`.
The domain knows no HTTP: `api/problems.py` turns these into answers.
"""

from typing import Any


class DomainError(Exception):
    """A refusal, with a sentence that says what to do."""

    code = "refused"

    def __init__(self, sentence: str, *, code: str | None = None, about: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code or self.code
        self.about = about
        """What the record of this refusal says it was about; a refusal on a family's own route says so by itself."""


class NotFound(DomainError):
    """It doesn't exist, or not for whoever asks: the two can't be told apart."""

    code = "not_found"


class Invalid(DomainError):
    """The request can't be carried out as it was put."""

    code = "invalid"

    def __init__(self, sentence: str, *, field: str, code: str | None = None) -> None:
        super().__init__(sentence, code=code)
        self.field = field


class Conflict(DomainError):
    """The request is well put, but the state of things doesn't allow it."""

    code = "conflict"


class Forbidden(DomainError):
    """Whoever asks is related to what they ask about, but may not do this."""

    code = "forbidden"


class KeyMissing(DomainError):
    """What was sealed with a key that isn't there can't be read, and what can't be read isn't changed."""

    code = "key_missing"


class ForgottenEvent(RuntimeError):
    """A bug of ours: a row was changed and no event told of it. Nothing was committed."""
