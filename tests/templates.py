"""Templates are compiled once for all applications of this process, and not once for each."""

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket


class Kept(BytecodeCache):
    """Keeps what was compiled; jinja2 compares the source before it uses it."""

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket with what was compiled before, if anything was."""
        if bucket.key in self._compiled:
            bucket.bytecode_from_string(self._compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        self._compiled[bucket.key] = bucket.bytecode_to_string()


def keep_compiled() -> None:
    """Let all applications that are made from now on share what was compiled."""
    Flask.jinja_options = {"bytecode_cache": Kept()}
