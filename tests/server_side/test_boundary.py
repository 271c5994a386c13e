"""Faults of a document in words that a user can act on."""

import pytest
from pydantic import ValidationError

from server_side.boundary import BoundaryModel, faults_in_words


class Part(BoundaryModel):
    """A part of a document."""

    events: int


class Document(BoundaryModel):
    """A document with parts."""

    parts: tuple[Part, ...]


def fault_of(text: str) -> ValidationError:
    """Return the error that a text leads to."""
    with pytest.raises(ValidationError) as caught:
        Document.model_validate_json(text)
    return caught.value


def test_a_fault_names_its_place_its_reason_and_what_was_found() -> None:
    words = faults_in_words(fault_of('{"parts": [{"events": 1}, {"events": "many"}]}'))
    assert words.startswith("parts[2].events: Input should be a valid integer")
    assert words.endswith("(found 'many')")


def test_many_faults_are_cut_short_and_counted() -> None:
    parts = ", ".join('{"events": "x"}' for _ in range(5))
    words = faults_in_words(fault_of(f'{{"parts": [{parts}]}}'))
    assert words.endswith("; and 2 more")
    assert "parts[3]" in words
    assert "parts[4]" not in words


def test_no_address_and_no_long_value_stands_in_the_words() -> None:
    words = faults_in_words(fault_of(f'{{"parts": [{{"events": "{"9x" * 500}"}}]}}'))
    assert "http" not in words
    assert "\n" not in words
    assert len(words) < 200


def test_text_that_is_no_document_has_no_place() -> None:
    assert faults_in_words(fault_of("{")).startswith("Invalid JSON")


def test_another_error_speaks_for_itself() -> None:
    assert faults_in_words(OSError("disk is full")) == "disk is full"
