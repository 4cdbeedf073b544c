"""Whoever wants no more SMS is understood, however they write it; whoever writes of something else is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.reply_words import Word, keyword, normalised, read


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop",
        " Stop. ",
        "STOP!!!",
        "\u200bSTOP",
        "\ufeffstop\u200d",
        "S\u00adTOP",
        "ＳＴＯＰ",
        "“Stop”",
        "stop\n",
        "Stopp",
        "STOP please",
        "stop texting me",
        "Stopp, ich will das nicht",
        "STOPALL",
        "Stop all",
        "UNSUBSCRIBE",
        "Unsubscribe me",
        "cancel",
        "End.",
        "quit",
        "REVOKE",
        "opt-out",
        "Opt out",
        "ABMELDEN",
        "Abmelden bitte",
        "Aufhören!",
        "keine SMS mehr",
        "ARRÊT",
    ],
)
def test_these_stop(text: str) -> None:
    assert read(text) is Word.STOP


@pytest.mark.parametrize("text", ["START", "unstop", " Start! ", "Anmelden"])
def test_these_take_it_back(text: str) -> None:
    assert read(text) is Word.START


@pytest.mark.parametrize("text", ["HELP", "info", "Hilfe?"])
def test_these_ask_who_we_are(text: str) -> None:
    assert read(text) is Word.HELP


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "Thanks!",
        "cancel my order",
        "the end",
        "nonstop",
        "don't stop",
        "start tomorrow?",
        "help me",
        "S T O P",
        "wann kommt es?",
        "👍",
        "\u200b",
        "End of the week is fine",
        "unstoppable",
    ],
)
def test_these_are_for_a_person(text: str) -> None:
    assert read(text) is None


_noise = st.text(st.characters(categories=["Zs", "Po", "Cf", "Ps", "Pe", "Cc"]), max_size=5)


@given(_noise, st.sampled_from(["stop", "Stopp", "QUIT", "abmelden"]), _noise)
def test_nothing_around_the_word_hides_it(before: str, word: str, after: str) -> None:
    assert read(before + word + after) is Word.STOP


@given(st.text(max_size=40))
def test_reading_never_fails_and_reads_the_normal_form_alike(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)
    assert read(normalised(text)) is read(text)


def test_the_word_that_was_found_tells_nothing_else_of_the_message() -> None:
    assert keyword("Stop, this is Ada Lovelace") == (Word.STOP, "stop")
    assert keyword(" Keine SMS! ") == (Word.STOP, "keine sms")
    assert keyword("Ada") is None
