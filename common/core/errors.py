"""Three errors, told apart by who must act; each carries a hint in Chinese with the step that mends it."""


class MingchaError(Exception):
    """Anything we foresee. `hint` is one Chinese sentence: what to do, with the command where there is one."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(MingchaError):
    """The technician must act. The process stops at start with exit code 78 (sysexits EX_CONFIG)."""


class UnavailableError(MingchaError):
    """Nobody must act yet: a peer is away. Retried with back-off while the data waits."""


class RejectedError(MingchaError):
    """A person must act, later: this one item is bad for good. It is quarantined; the rest goes on."""
