"""The breaker: a handler that hangs is left out, tried again now and then, and taken back."""

from wxbot.scenes.breaker import Breaker


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


def hang(breaker: Breaker, name: str, *, times: int) -> None:
    """Let a handler hang several times in a row."""
    for _ in range(times):
        breaker.hung(name)


def test_fifth_hang_in_a_row_opens_the_breaker() -> None:
    breaker = Breaker(Clock())
    hang(breaker, "shop.slow", times=4)
    assert not breaker.is_open("shop.slow")

    breaker.hung("shop.slow")

    assert breaker.is_open("shop.slow")
    assert not breaker.is_open("shop.other")


def test_return_between_hangs_starts_the_count_anew() -> None:
    breaker = Breaker(Clock())
    hang(breaker, "shop.slow", times=4)

    breaker.returned("shop.slow")
    hang(breaker, "shop.slow", times=4)

    assert not breaker.is_open("shop.slow")


def test_one_event_is_let_through_ever_more_seldom() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    hang(breaker, "shop.slow", times=5)

    pauses = []
    for _ in range(7):
        began = clock.seconds
        while breaker.is_open("shop.slow"):
            clock.seconds += 1.0
        pauses.append(clock.seconds - began)

    assert pauses == [30, 60, 120, 240, 480, 480, 480]


def test_looking_does_not_use_the_probe_up() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    hang(breaker, "shop.slow", times=5)
    clock.seconds += 30

    assert breaker.is_open("shop.slow", probe=False)
    assert not breaker.is_open("shop.slow")


def test_hanging_probe_leaves_the_breaker_open() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    hang(breaker, "shop.slow", times=5)
    clock.seconds += 30
    assert not breaker.is_open("shop.slow")

    breaker.hung("shop.slow")

    assert breaker.is_open("shop.slow")


def test_first_return_closes_the_breaker() -> None:
    breaker = Breaker(Clock())
    hang(breaker, "shop.slow", times=50)

    breaker.returned("shop.slow")

    assert not breaker.is_open("shop.slow")


def begin(breaker: Breaker, name: str, *, times: int) -> list[float]:
    """Let a handler be called several times, one call after the other."""
    return [breaker.begun(name) for _ in range(times)]


def test_crowd_that_does_not_come_back_gets_no_more_threads() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    calls = begin(breaker, "shop.slow", times=20)
    assert not breaker.is_open("shop.slow")  # it may well be quick

    clock.seconds += 0.6
    assert breaker.is_open("shop.slow")
    breaker.returned("shop.slow", calls[0])

    assert not breaker.is_open("shop.slow")
    assert not breaker.is_open("shop.other")


def test_crowd_that_is_slow_and_comes_back_is_let_in() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    answers = []
    calls: list[float] = []
    for _ in range(40):  # one call each 0.3 s, which takes 2.1 s
        clock.seconds += 0.3
        if len(calls) == 7:
            breaker.returned("shop.slow", calls.pop(0))
        answers.append(breaker.is_open("shop.slow"))
        calls.append(breaker.begun("shop.slow"))

    assert not any(answers[8:])


def test_handler_that_may_be_slow_gets_half_of_the_threads() -> None:
    clock = Clock()
    breaker = Breaker(clock, threads=16)
    calls = begin(breaker, "shop.report", times=7)
    clock.seconds += 20
    assert not breaker.is_open("shop.report", is_slow=True)

    calls += begin(breaker, "shop.report", times=1)

    assert breaker.is_open("shop.report", is_slow=True)
    breaker.returned("shop.report", calls[0])
    assert not breaker.is_open("shop.report", is_slow=True)


def test_handler_whose_lost_calls_made_a_crowd_is_tried_again() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    calls = begin(breaker, "shop.slow", times=4)
    clock.seconds += 3
    hang(breaker, "shop.slow", times=4)
    for since in calls:
        breaker.lost("shop.slow", since)
    assert breaker.is_open("shop.slow")

    clock.seconds += 31
    answers = [breaker.is_open("shop.slow") for _ in range(2)]
    breaker.returned("shop.slow", breaker.begun("shop.slow"))
    clock.seconds += 2

    assert answers == [False, True]
    assert not breaker.is_open("shop.slow")


def test_call_that_is_lost_while_others_come_back_leaves_nobody_out() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    (lost,) = begin(breaker, "shop.slow", times=1)
    clock.seconds += 100
    breaker.returned("shop.slow", breaker.begun("shop.slow"))

    breaker.lost("shop.slow", lost)

    assert not breaker.is_open("shop.slow")


def test_lost_call_may_come_back_after_all() -> None:
    breaker = Breaker(Clock())
    (since,) = begin(breaker, "shop.slow", times=1)
    breaker.lost("shop.slow", since)
    assert breaker.is_open("shop.slow")

    breaker.returned("shop.slow", since)

    assert not breaker.is_open("shop.slow")


def test_call_that_came_back_is_not_lost() -> None:
    """Its end may wait for the database for so long that the run is given up."""
    breaker = Breaker(Clock())
    (since,) = begin(breaker, "shop.slow", times=1)
    breaker.returned("shop.slow", since)

    breaker.lost("shop.slow", since)

    assert not breaker.is_open("shop.slow")
