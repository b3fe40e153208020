"""What a model's own metadata asks to be said wherever it is used."""

from __future__ import annotations

import json
from collections.abc import Mapping

# A property of the ONNX file: a JSON list of sentences.
NOTES_KEY = "aiw_notes"
_MOST_NOTES = 8
_MOST_CHARACTERS = 200
# All of it, escaped as JSON may write it; what is longer is no list of a few sentences.
_MOST_TEXT = 64 * 1024


def model_notes(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The notes of a model, at most 8 of at most 200 printable characters; all else is ignored."""
    text = metadata.get(NOTES_KEY, "")
    if not 0 < len(text) <= _MOST_TEXT:
        return ()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(value, list):
        return ()
    return tuple(note for note in value if _is_note(note))[:_MOST_NOTES]


def _is_note(value: object) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value.strip()) <= len(value) <= _MOST_CHARACTERS
        and value.isprintable()
    )
