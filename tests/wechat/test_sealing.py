"""What is sealed opens with the right key, for the right purpose and thing, and not otherwise."""

from wxbot.wechat.sealing import Seal

OLD, NEW = "an old key, long enough to be one", "a new key, long enough to be one"


def test_sealed_text_opens_again_and_cannot_be_read() -> None:
    seal = Seal([NEW], purpose="tests")

    sealed = seal.close("canary 令牌", about="default")

    assert seal.open(sealed, about="default") == "canary 令牌"
    assert b"canary" not in sealed and sealed != seal.close("canary 令牌", about="default")


def test_sealed_text_opens_after_a_change_of_the_key() -> None:
    sealed = Seal([OLD], purpose="tests").close("canary", about="default")

    assert Seal([NEW, OLD], purpose="tests").open(sealed, about="default") == "canary"
    assert Seal([NEW], purpose="tests").open(sealed, about="default") is None


def test_sealed_text_opens_for_nothing_else() -> None:
    seal = Seal([NEW], purpose="tests")
    sealed = seal.close("canary", about="default")

    assert seal.open(sealed, about="second") is None
    assert Seal([NEW], purpose="other").open(sealed, about="default") is None


def test_damaged_text_does_not_open() -> None:
    seal = Seal([NEW], purpose="tests")
    sealed = seal.close("canary", about="default")

    for damaged in (b"", b"short", sealed[:-1], sealed[:20] + b"\0" + sealed[21:]):
        assert seal.open(damaged, about="default") is None
