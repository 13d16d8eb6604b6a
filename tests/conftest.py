"""What all tests share: services that a machine may lack, and what a skipped test means."""

import os
import shutil
from collections.abc import Generator
from typing import TypeVar

import hypothesis
import pytest

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

# The deadline of hypothesis would measure the machine; tests that measure wxbot do it themselves.
hypothesis.settings.register_profile("wxbot", deadline=None)
hypothesis.settings.load_profile("wxbot")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of a Chromium for tests that look at pages as people do."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("needs a browser: install the package chromium")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Refuse skipped and expectedly failing tests where everything must run."""
    return _strict((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Refuse modules that skip themselves where everything must run."""
    return _strict((yield))


def _strict(report: Report) -> Report:
    if report.skipped and os.environ.get("WXBOT_TEST_REQUIRE") == "all":
        reason = getattr(report, "wasxfail", None) or str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"With WXBOT_TEST_REQUIRE=all every test must run and pass: {reason}"
        vars(report).pop("wasxfail", None)
    return report
