"""Every error Firebrand raises on purpose: one base, and a child per thing the reader must do."""


class FirebrandError(Exception):
    """Something the caller can mend. `code` is stable; the message says where and what to do."""

    code = "firebrand_error"


class BookError(FirebrandError):
    """A table of the book is missing, unreadable or lacks a required column."""

    code = "book_unreadable"


class PlanError(FirebrandError):
    """The plan has a key or value that Firebrand does not know."""

    code = "plan_invalid"


class TableError(FirebrandError):
    """Columns or outcomes that were handed to the learner do not make a table."""

    code = "table_invalid"


class NothingToLearnError(FirebrandError):
    """The book holds no outcome that its attributes predict, so no artifact is made."""

    code = "nothing_to_learn"


class ArtifactError(FirebrandError):
    """An artifact is missing, damaged, of an unknown format, or approved by nobody."""

    code = "artifact_invalid"


class RequestError(FirebrandError):
    """A request to score or to store cannot be understood. `field` names the part at fault, or is empty."""

    code = "request_invalid"

    def __init__(self, message: str, *, field: str = "", code: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.code = code or type(self).code


class PersonKeyError(FirebrandError):
    """The key that hashes people is not the one that the store, or an export of it, was made with."""

    code = "person_key_differs"


class SignalFileError(FirebrandError):
    """A file of signals cannot be read or written."""

    code = "signal_file_unusable"


class StoreUnavailableError(FirebrandError):
    """The signal store did not answer in time; trying again later may succeed."""

    code = "store_unavailable"
