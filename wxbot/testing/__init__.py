"""The test kit for authors of handlers; `wx` is its pytest fixture.

Public and stable, like `wxbot` itself. People of an emulated WeChat scan, write and leave; the pushes are
real bytes that pass through the same callback as WeChat's, signed and encrypted.
"""

from wxbot.testing.actors import Said, User
from wxbot.testing.kit import Wx

__all__ = ["Said", "User", "Wx"]
