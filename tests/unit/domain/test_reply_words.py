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
        "Please stop",
        "please STOP!",
        "PLEASE, stop texting me",
        "Pls stop",
        "bitte stop",
        "Bitte stopp!",
        "stop please",
        "stop bitte",
        "Hi, please unsubscribe me. Thank you",
        "Hallo, bitte abmelden, danke",
        "cancel please",
        "Please opt me out",
        "OK end",
        "Quit, thanks!",
        "Bitte keine SMS mehr, danke",
        "please don't text me again",
        "No more texts please",
        "Hört auf!",
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
        "I will stop by at eight",
        "The bus does not stop there, please ring",
        "Bitte nicht stoppen",
        "please cancel my order",
        "Please send it to the end of the yard",
        "You can leave it with my neighbour, thank you",
        "Please",
        "thanks!",
        "Danke, bitte",
        "Please do not text me the code, mail it",
        "unstoppable",
    ],
)
def test_these_are_for_a_person(text: str) -> None:
    assert read(text) is None


_noise = st.text(st.characters(categories=["Zs", "Po", "Cf", "Ps", "Pe", "Cc"]), max_size=5)


@given(_noise, st.sampled_from(["stop", "Stopp", "QUIT", "abmelden"]), _noise)
def test_nothing_around_the_word_hides_it(before: str, word: str, after: str) -> None:
    assert read(before + word + after) is Word.STOP


_polite = st.lists(st.sampled_from(["please", "Bitte", "hi", "OK", "thanks", "danke", "now"]), max_size=3)


@given(_polite, st.sampled_from(["stop", "Stopp", "QUIT", "cancel", "opt out", "keine SMS"]), _polite)
def test_politeness_hides_no_wish_to_stop(before: list[str], word: str, after: list[str]) -> None:
    assert read(", ".join([*before, word, *after])) is Word.STOP


_TALK = "i we will can the bus my order it ich komme wann der das um at by tomorrow eight shop"
_talk = st.sampled_from(_TALK.split(" "))


@given(_polite, st.lists(_talk, min_size=1, max_size=4), st.sampled_from(["stop", "stopp", "end", "cancel"]), _polite)
def test_a_word_in_the_midst_of_a_sentence_stops_nothing(
    before: list[str], talk: list[str], word: str, after: list[str]
) -> None:
    assert read(" ".join([*before, *talk, word, *after])) is None


@given(_polite, st.sampled_from(["start", "unstop"]), _polite)
def test_what_lets_us_write_again_is_taken_by_the_letter(before: list[str], word: str, after: list[str]) -> None:
    assert read(" ".join([*before, word, *after])) is (None if before or after else Word.START)


@given(st.text(max_size=40))
def test_reading_never_fails_and_reads_the_normal_form_alike(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)
    assert read(normalised(text)) is read(text)


def test_the_word_that_was_found_tells_nothing_else_of_the_message() -> None:
    assert keyword("Stop, this is Ada Lovelace") == (Word.STOP, "stop")
    assert keyword(" Keine SMS! ") == (Word.STOP, "keine sms")
    assert keyword("Please stop, this is Ada Lovelace") == (Word.STOP, "stop")
    assert keyword("Ada") is None
