"""Which permanent numbers are on record for a batch, and for others of its name."""

from sqlalchemy import ColumnElement, Connection, Engine, select, update

from wxbot.db.models import batch_lines, batches, mintings, permanent_numbers
from wxbot.db.patience import patiently
from wxbot.qrcodes.batch_file import BatchFileError, Plan


def adopt(engine: Engine, plan: Plan) -> None:
    """Let the batch be this plan's that an earlier release has begun for a file of this name.

    Those were known by their lines alone: the first folder with such a file gets it.
    """

    def work(connection: Connection) -> None:
        ids = connection.scalars(select(batches.c.id).where(*_of_this_name(plan))).all()
        if plan.id in ids or plan.former_id not in ids:
            return
        former, mine = f"batch {plan.former_id.hex()}", plan.holder
        moved = update(batches).where(batches.c.id == plan.former_id)
        connection.execute(moved.values(id=plan.id))
        lines = update(batch_lines).where(batch_lines.c.batch == plan.former_id)
        connection.execute(lines.values(batch=plan.id))
        owned = permanent_numbers.c.account == plan.account, permanent_numbers.c.owner == former
        connection.execute(update(permanent_numbers).where(*owned).values(owner=mine))
        asked = mintings.c.outcome == "asked", mintings.c.detail == former
        connection.execute(update(mintings).where(*asked).values(detail=mine))

    patiently(engine, work)


def check_numbers(engine: Engine, plan: Plan) -> None:
    """Refuse a file that may be another one, or was changed, since numbers were taken for one of its name.

    Each line would get a new number, or one that somebody else's print has. Raises BatchFileError.
    """
    table = permanent_numbers.c
    with engine.connect() as connection:
        ids = connection.scalars(select(batches.c.id).where(*_of_this_name(plan))).all()
        held = select(table.owner).where(
            table.account == plan.account,
            table.owner.in_([f"batch {id.hex()}" for id in ids]),
            table.purpose.startswith("line "),  # not those that the file named
            table.state == "taken",
        )
        owners = connection.scalars(held).all()
    # Where this one has numbers too, earlier releases took them for both: it goes on with its own.
    if owners and plan.holder not in owners:
        fault = (
            f"{len(owners)} permanent numbers were taken for a file of this name that had other lines, "
            "another --expires-in or was in another folder"
        )
        advice = (
            "all lines would get new ones. Put new lines into a file of another name, or this one back where "
            "and as it was, with the former --expires-in"
        )
        raise BatchFileError([f"{fault}: {advice}"])


def numbers_of(connection: Connection, plan: Plan) -> dict[int, set[int]]:
    """Return which numbers a batch has, as the next free ones, by the line that they were taken for.

    A line has more than one where two runs at a time took one each.
    """
    named = {line.scene for line in plan.lines}
    query = select(permanent_numbers.c.purpose, permanent_numbers.c.number).where(
        permanent_numbers.c.account == plan.account,
        permanent_numbers.c.owner == plan.holder,
        permanent_numbers.c.purpose.startswith("line "),
        permanent_numbers.c.state == "taken",
    )
    found: dict[int, set[int]] = {}
    for purpose, number in connection.execute(query):
        if str(number) not in named:
            found.setdefault(int(purpose.split()[1]), set()).add(number)
    return found


def _of_this_name(plan: Plan) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return batches.c.account == plan.account, batches.c.file_name == plan.file_name
