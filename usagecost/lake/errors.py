"""What can be wrong with a lake, as sentences for people: what it is, and what would help."""

from __future__ import annotations

import errno
import logging
import re
import sys

import duckdb
import pyarrow as pa
from deltalake.exceptions import DeltaError
from obstore.exceptions import BaseError

CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION",
    "gs": "GOOGLE_SERVICE_ACCOUNT_KEY (the key itself, JSON) or GOOGLE_SERVICE_ACCOUNT (the path of its file)",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
"""Scheme of a store -> the environment variables that let one in."""

_FROM_STORE = re.compile(r"Generic (S3|GCS|MicrosoftAzure) error|Error performing (GET|HEAD|PUT|POST|DELETE|list)")

_NO_CREDENTIALS = re.compile(r"169\.254\.1|metadata\.google\.internal|Account must be specified")
"""Without credentials the machine's own role is asked for, at an address that answers only in a cloud."""
_NO_BUCKET = re.compile(r"NoSuchBucket|ContainerNotFound|specified bucket does not exist")
_REFUSED = re.compile(r"\b40[13] (Unauthorized|Forbidden)|necessary privileges|valid authentication credentials")
_ELSEWHERE = re.compile(r"PermanentRedirect|redirect without LOCATION|AuthorizationHeaderMalformed")
_AWAY = re.compile(r"error sending request|timed out|connection (closed|reset)", re.IGNORECASE)

_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"\b([45]\d\d [A-Z][A-Za-z ]+)")


class LakeError(Exception):
    """What is wrong with a lake and what would help, in one sentence."""


class LakeMissing(LakeError):  # noqa: N818 - the base is the error; this says which
    """There is no lake where one was looked for."""


class LakeUnreadable(LakeError):  # noqa: N818
    """There is a lake, but its log, or the version asked for, cannot be read."""


class LakeUnreachable(LakeError):  # noqa: N818
    """The object store that has the lake does not answer, or not to us. What was asked may work later, or with other settings."""


class LakeUnwritable(LakeError):  # noqa: N818
    """The lake's folder, or that of a remote one's copies, cannot be written to."""


class LakeFull(LakeUnwritable):
    """A disk has no room left."""


class LakeChanged(LakeError):  # noqa: N818
    """A text beside the tables is another one than who wants to replace it has seen."""


STORAGE_ERRORS = (OSError, DeltaError, BaseError, duckdb.Error, pa.ArrowException)
"""What a disk, a store, or who reads and writes there may raise."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_ROOM_WORDS = re.compile(r"No space left on device|Disk quota exceeded|File too large|max_temp_directory_size", re.IGNORECASE)


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or one that it comes of, says that a disk has no room left."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            return True
        if isinstance(error, STORAGE_ERRORS) and _NO_ROOM_WORDS.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def store_problem(error: Exception, lake: str) -> LakeUnreachable | None:
    """The sentence for an error of an object store; None if it is another's. It repeats nothing that could be a secret."""
    text = str(error)
    if isinstance(error, FileNotFoundError) and not _NO_BUCKET.search(text):
        return None  # the file is missing, not the store
    if not isinstance(error, BaseError) and not (isinstance(error, OSError | DeltaError) and _FROM_STORE.search(text)):
        return None
    variables = CREDENTIALS[lake.split(":")[0]]
    code = _CODE.search(text) or _STATUS.search(text)
    reason = f" ({code[1]})" if code else ""
    if _NO_CREDENTIALS.search(text):
        sentence = (
            f"There are no credentials for the lake in {lake}: set {variables}, as environment variables or Streamlit secrets."
        )
    elif _NO_BUCKET.search(text):
        sentence = f"The bucket of the lake in {lake} does not exist: create it, or correct the lake's name."
    elif _ELSEWHERE.search(text):
        sentence = f"The bucket of the lake in {lake} is in another region: set AWS_REGION to the bucket's."
    elif _REFUSED.search(text):
        sentence = f"The store refuses the credentials for the lake in {lake}{reason}: check {variables}, and what they permit."
    elif _AWAY.search(text):
        sentence = (
            f"The store of the lake in {lake} does not answer: check the network, and AWS_ENDPOINT_URL if it is set; try again."
        )
    else:
        sentence = f"The store of the lake in {lake} answers with an error{reason}: try again."
    return LakeUnreachable(sentence)


def note_unwritten(message: str, subject: str) -> None:
    """Notes, while an error is handled, that something could not be written on which no number depends."""
    is_full = is_disk_full(sys.exc_info()[1])
    logging.getLogger(__name__).warning(message + (": the disk is full" if is_full else ""), subject, exc_info=not is_full)
