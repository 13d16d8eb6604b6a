"""The pages on which owners say who may use the dashboard."""

from flask import abort, request

from wxbot.admin.area import Area, Go, Page, Visit
from wxbot.admin.own import told
from wxbot.admin.roles import Role
from wxbot.admin.users import SHORTEST_PASSWORD, User, UserError, Users


def views(users: Users) -> Area:
    """Return `/admin/users`."""
    area = Area("staff")
    area.entry("index", group="settings", word="users", icon="users", order=80, role=Role.OWNER)

    @area.get("/users", role=Role.OWNER)
    def index(visit: Visit) -> Page:
        return _list(users, visit)

    @area.post("/users", role=Role.OWNER)
    def create(visit: Visit) -> Page | Go:
        name, role = request.form.get("name", ""), _asked_role()
        try:
            user = users.create(name, password=request.form.get("password", ""), role=role)
        except UserError as error:
            field = "password" if error.reason.startswith("password") else "name"
            return _list(users, visit, faults={field: told(visit, error)})
        visit.audit("user.create", user.name, is_for_account=False, role=role)
        visit.tell("user_created", user.name)
        return Go(visit.url("staff.index"))

    @area.get("/users/<name>", role=Role.OWNER)
    def show(visit: Visit, name: str) -> Page:
        return _one(visit, _known(users, name))

    _add_changes(area, users)
    _add_doors(area, users)
    return area


def _add_changes(area: Area, users: Users) -> None:
    """Let owners change role and password."""

    @area.post("/users/<name>/role", role=Role.OWNER)
    def set_role(visit: Visit, name: str) -> Page | Go:
        user, role = _known(users, name), _asked_role()
        try:
            users.set_role(user.name, role)
        except UserError as error:
            return _one(visit, user, faults={"role": told(visit, error)})
        visit.audit("user.role", user.name, is_for_account=False, before=user.role, after=role)
        visit.tell("user_role_set", user.name, visit.t[f"role_{role}"])
        is_still_owner = role is Role.OWNER or user.id != visit.user.id
        return Go(visit.url("staff.show", name=user.name) if is_still_owner else visit.url("own.me"))

    @area.post("/users/<name>/password", role=Role.OWNER)
    def set_password(visit: Visit, name: str) -> Page | Go:
        user = _known(users, name)
        if user.id == visit.user.id:
            # Whoever finds an owner's browser open must not take it over for good.
            return _one(visit, user, faults={"password": visit.t.own_password})
        try:
            users.set_password(user.name, request.form.get("password", ""))
        except UserError as error:
            return _one(visit, user, faults={"password": told(visit, error)})
        visit.audit("user.password", user.name, is_for_account=False)
        visit.tell("user_password_set", user.name)
        return Go(visit.url("staff.show", name=user.name))


def _add_doors(area: Area, users: Users) -> None:
    """Let owners let users in, or not."""

    @area.post("/users/<name>/disable", role=Role.OWNER)
    def disable(visit: Visit, name: str) -> Page | Go:
        user = _known(users, name)
        if user.id == visit.user.id:
            return _one(visit, user, faults={"state": visit.t.not_yourself})
        try:
            users.disable(user.name)
        except UserError as error:
            return _one(visit, user, faults={"state": told(visit, error)})
        visit.audit("user.disable", user.name, is_for_account=False)
        visit.tell("user_disabled", user.name)
        return Go(visit.url("staff.show", name=user.name))

    @area.post("/users/<name>/enable", role=Role.OWNER)
    def enable(visit: Visit, name: str) -> Go:
        user = users.enable(_known(users, name).name)
        visit.audit("user.enable", user.name, is_for_account=False)
        visit.tell("user_enabled", user.name)
        return Go(visit.url("staff.show", name=user.name))


def _list(users: Users, visit: Visit, *, faults: dict[str, str] | None = None) -> Page:
    return Page(
        "admin/users.html",
        title=visit.t.users,
        status=422 if faults else 200,
        users=users.all(),
        roles=_roles(visit),
        shortest=SHORTEST_PASSWORD,
        sent=request.form if faults else {},
        faults=faults or {},
    )


def _one(visit: Visit, user: User, *, faults: dict[str, str] | None = None) -> Page:
    return Page(
        "admin/user.html",
        title=user.name,
        status=422 if faults else 200,
        user=user,
        roles=_roles(visit),
        shortest=SHORTEST_PASSWORD,
        faults=faults or {},
    )


def _known(users: Users, name: str) -> User:
    try:
        return users.find(name)
    except UserError:
        abort(404)


def _asked_role() -> Role:
    asked = request.form.get("role", "")
    if asked not in list(Role):
        abort(400)
    return Role(asked)


def _roles(visit: Visit) -> list[tuple[str, str]]:
    return [(role.value, visit.t[f"role_{role}"]) for role in Role]
