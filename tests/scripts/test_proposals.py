"""What a waiting proposal says for itself."""

from scripts.cli.trading import evidence

PARTS = {"news": 0.773258, "pattern": None, "momentum": 0.991084, "technical": 0.68}


def test_a_proposal_names_its_catalyst_its_pattern_and_its_two_best_parts() -> None:
    said = evidence({"catalyst": "FDA", "pattern": "bull_flag", "parts": PARTS})
    assert said == "FDA, bull_flag, momentum 0.991, news 0.773"


def test_without_news_and_pattern_the_parts_speak_alone_and_ties_go_by_name() -> None:
    assert evidence({"catalyst": None, "pattern": None, "parts": {"volume": 0.9, "momentum": 0.9}}) == (
        "momentum 0.900, volume 0.900"
    )
    assert evidence({"catalyst": None, "pattern": None, "parts": {}}) == ""
