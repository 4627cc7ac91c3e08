"""Why a file was not taken. Each sentence says to a person what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class InterchangeError(Exception):
    """Base of the refusals; ``code`` is stable, ``sentence`` may be shown as it stands."""

    code = "unreadable"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class NotAnImageError(InterchangeError):
    """The bytes are of a kind that holds no picture."""

    code = "not_an_image"


class UnsupportedError(InterchangeError):
    """The format is known and valid, but it is not one that can be reviewed here."""

    code = "unsupported"


class UnreadableError(InterchangeError):
    """The format is right but the bytes are damaged, cut short or contradict themselves."""

    code = "unreadable"


class EmptyFileError(InterchangeError):
    """There is nothing in the file, the folder or the archive."""

    code = "empty"


class TooLargeError(InterchangeError):
    """Decoding would take more memory, disk or time than is allowed."""

    code = "too_large"


class EncryptedError(InterchangeError):
    """The content is locked with a password or a certificate."""

    code = "encrypted"


class MissingSlicesError(InterchangeError):
    """A series has a gap where slices should be."""

    code = "missing_slices"


class UnevenSpacingError(InterchangeError):
    """The distance between slices changes inside one series."""

    code = "uneven_spacing"


class GantryTiltError(InterchangeError):
    """The slices are sheared against the line on which they lie."""

    code = "gantry_tilt"


class MixedOrientationError(InterchangeError):
    """The slices of one series do not lie parallel."""

    code = "mixed_orientation"


class MixedSizesError(InterchangeError):
    """The slices of one series differ in rows, columns or channels."""

    code = "mixed_sizes"


class UnsafePathError(InterchangeError):
    """A name tries to leave its folder, or is a link."""

    code = "unsafe_path"


class MissingFileError(InterchangeError):
    """A named file is not there."""

    code = "not_found"


class MaskSizeError(InterchangeError):
    """A mask does not lie on the grid of its image."""

    code = "mask_size_differs"


ERRORS: dict[str, type[InterchangeError]] = {
    kind.code: kind
    for kind in (
        NotAnImageError,
        UnsupportedError,
        UnreadableError,
        EmptyFileError,
        TooLargeError,
        EncryptedError,
        MissingSlicesError,
        UnevenSpacingError,
        GantryTiltError,
        MixedOrientationError,
        MixedSizesError,
        UnsafePathError,
        MissingFileError,
        MaskSizeError,
    )
}
"""Code to class, so that a failure can cross a process border as two strings."""


@contextmanager
def reading(sentence: str) -> Iterator[None]:
    """Turn whatever a decoder raises over damaged bytes into one refusal with this sentence."""
    try:
        yield
    except (InterchangeError, MemoryError):
        raise
    except Exception as error:
        raise UnreadableError(sentence) from error
