"""What the exceptions say, and what they keep to themselves."""

from wxbot import clock, errors


def test_forbidden_callback_says_nothing_about_the_check() -> None:
    texts = {str(errors.ForbiddenError(reason)) for reason in ("", "window", "signature", "ciphertext")}

    assert texts == {"the callback could not be verified"}


def test_configuration_error_lists_every_fault() -> None:
    assert str(errors.ConfigurationError(["one", "two"])) == "one\ntwo"
    assert errors.PluginError("only one").faults == ("only one",)


def test_every_error_is_ours() -> None:
    made = [
        errors.ConfigurationError("fault"),
        errors.PluginError("fault"),
        errors.ForbiddenError(),
        errors.MalformedError("not-xml"),
        errors.NotAReplyError("dict is not a reply"),
    ]

    assert all(isinstance(error, errors.WxbotError) for error in made)


def test_clock_is_aware_and_never_goes_back() -> None:
    assert clock.now().utcoffset() is not None
    assert clock.monotonic() <= clock.monotonic()
