"""The textbook's app with one row a scan, as the tutorials of SQLAlchemy write it."""

import os
from typing import Any

from sqlalchemy import DateTime, String, create_engine, event, func
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from bench.speed.apps import textbook


class Base(DeclarativeBase):
    """The base of the tables."""


class Scan(Base):
    """One scan."""

    __tablename__ = "scans"

    id: Mapped[int] = mapped_column(primary_key=True)
    openid: Mapped[str] = mapped_column(String(64), index=True)
    scene: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[Any] = mapped_column(DateTime, server_default=func.now())


# Like wxbot's: as many connections as threads, and SQLite so that a commit survives a power cut.
engine = create_engine(os.environ["BENCH_DATABASE"], pool_size=32, max_overflow=0)
if engine.dialect.name == "sqlite":

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        """Set up one connection."""
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA busy_timeout=20000")


def record(message: Any) -> None:
    """Write a scan down."""
    with Session(engine) as session:
        session.add(Scan(openid=message.source, scene=message.scene_id))
        session.commit()


app = textbook.create_app(record)
