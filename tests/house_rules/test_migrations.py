"""Migrations are numbered, form one line, go up and down, and end at the tables the code uses."""

import re
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool

from wxbot.db import migrate, models


def test_migrations_are_numbered_and_form_one_line(root: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(root / "migrations"))
    config.set_main_option("path_separator", "os")
    revisions = list(ScriptDirectory.from_config(config).walk_revisions())[::-1]

    files = [Path(revision.path).name for revision in revisions]
    assert [revision.down_revision for revision in revisions] == [
        None,
        *(each.revision for each in revisions[:-1]),
    ]
    assert [int(name[:4]) for name in files] == list(range(1, len(files) + 1)) != []
    assert all(re.fullmatch(r"[0-9]{4}_[a-z0-9_]+\.py", name) for name in files)
    assert set(files) == {path.name for path in (root / "migrations" / "versions").glob("*.py")}


def test_migrations_end_at_the_tables_of_the_code_and_come_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/wxbot.db"
    engine = create_engine(url, poolclass=NullPool)

    migrate.upgrade(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, models.metadata) == []
    migrate.downgrade(url, revision="base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}

    migrate.upgrade(url)
    assert set(inspect(engine).get_table_names()) == {*models.metadata.tables, "alembic_version"}
