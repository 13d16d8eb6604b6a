"""How the settings are read: the file first, the environment over it, then the files that hold secrets.

Every fault is collected before anything is said, so that one start shows all there is to mend.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wxbot.errors import ConfigurationError
from wxbot.settings.faults import Place, label, sentence
from wxbot.settings.model import Settings, describe
from wxbot.settings.variables import FromVariable

# Read elsewhere: by this module, by gunicorn.conf.py, by the tests.
_NOT_SETTINGS = re.compile(
    r"WXBOT_(CONFIG|BIND|LONG|TEST_.*|CONTRACT_.*|PORT"
    # What Kubernetes and Docker add by themselves when a service beside is called wxbot, or wxbot-redis.
    r"|([A-Z0-9]+_)*(SERVICE_(HOST|PORT(_.*)?)|PORT_[0-9]+_(TCP|UDP|SCTP)(_.*)?))"
)
# So ends what a setting could be called as well; the value tells.
_PORT_OF_A_SERVICE = re.compile(r"WXBOT_([A-Z0-9]+_)+PORT=(tcp|udp|sctp)://.*")


def load(path: str | None = None, *, env: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `path`, else from WXBOT_CONFIG, else from config.toml.

    Without the last of these a configuration may come from the environment alone. No .env file is read.

    Raises:
        ConfigurationError: with every fault found, one line each, none with the value of a secret.
    """
    env = os.environ if env is None else env
    asked_for = path or env.get("WXBOT_CONFIG")
    variables = {name: value for name, value in env.items() if _is_setting(name, value)}
    file = Path(asked_for or "config.toml")
    if file.exists():
        return from_data(_read_toml(file), variables=variables)
    absent = (
        f"{file}: there is no such file. Copy config.example.toml to it and fill it in, or name another one "
        "in WXBOT_CONFIG; to try wxbot without an account run `wxbot dev`"
    )
    if asked_for or not variables:
        raise ConfigurationError(absent)
    try:
        return from_data({}, variables=variables)
    except ConfigurationError as error:
        raise ConfigurationError((absent, *error.faults)) from None


def from_data(data: Mapping[str, Any], *, variables: Mapping[str, str] | None = None) -> Settings:
    """Check settings that are shaped like the TOML file, with `variables` of the environment over them.

    Raises:
        ConfigurationError: as `load`.
    """
    merged = _copied(data)
    sources = _overlay(merged, variables or {})
    unread = _read_secret_files(merged, sources)
    faults = list(unread.values())
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        # A secret whose file could not be read is not missing as well.
        faults += [sentence(each, sources) for each in details if each["loc"] not in unread]
    if faults:
        raise ConfigurationError(faults)
    return settings


def forget_secrets(settings: Settings, env: MutableMapping[str, str]) -> None:
    """Take the values of secrets out of an environment that has been read: every handler can look there.

    Which of a plugin's settings are secret only its model knows: all of them go.
    """
    secret = {(*parents, key) for parents, key in _secrets({"accounts": settings.accounts})}
    for name in [name for name in env if name.startswith("WXBOT_")]:
        place = _place(name)
        if place in secret or place[0] == "plugins":
            del env[name]


def _is_setting(name: str, value: str) -> bool:
    if not name.startswith("WXBOT_") or _NOT_SETTINGS.fullmatch(name):
        return False
    return not _PORT_OF_A_SERVICE.fullmatch(f"{name}={value}")


def _place(name: str) -> Place:
    return tuple(name.removeprefix("WXBOT_").lower().split("__"))


def _read_toml(file: Path) -> dict[str, Any]:
    text = ""
    try:
        text = file.read_bytes().decode("utf-8-sig")
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: is not UTF-8 text (byte {error.start + 1})") from None
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        last = f"at line {text.count(chr(10)) + 1}, the end of the file"
        said = str(error).replace("at end of document", last)
        raise ConfigurationError(f"{file}: is not valid TOML: {said}") from None


def _copied(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copied(value) if isinstance(value, Mapping) else value for key, value in data.items()}


def _overlay(data: dict[str, Any], variables: Mapping[str, str]) -> dict[Place, str]:
    """Write the variables over the data; return which variable each place now comes from."""
    sources: dict[Place, str] = {}
    for name in sorted(variables):
        place = _place(name)
        section = _section(data, place[:-1])
        # A key where a section belongs is reported when the whole is checked.
        if section is not None:
            value = variables[name]
            section[place[-1]] = FromVariable(value, name) if place[0] == "plugins" else value
            sources[place] = name
    # Of a secret and the file for it, the one in the environment replaces the other in config.toml.
    for parents, key in _secrets(data):
        for given, other in ((key, f"{key}_file"), (f"{key}_file", key)):
            if (*parents, given) in sources and (*parents, other) not in sources:
                (_section(data, parents) or {}).pop(other, None)
    return sources


def _section(data: dict[str, Any], place: Place) -> dict[str, Any] | None:
    for name in place:
        inner = data.setdefault(name, {})
        if not isinstance(inner, dict):
            return None
        data = inner
    return data


def _read_secret_files(data: dict[str, Any], sources: Mapping[Place, str]) -> dict[Place, str]:
    """Replace every `<key>_file` by what the file holds; return the faults by the place of the key."""
    faults: dict[Place, str] = {}
    for parents, key in _secrets(data):
        section = _section(data, parents) or {}
        if f"{key}_file" not in section:
            continue
        path = section.pop(f"{key}_file")
        try:
            if key in section:
                raise ValueError(f"{key} is set as well; keep one of the two")
            section[key] = _read_secret(path)
        except ValueError as error:
            faults[(*parents, key)] = f"{label((*parents, f'{key}_file'), sources)}: {error}"
    return faults


def _read_secret(path: object) -> str:
    if not isinstance(path, str) or not path:
        raise ValueError("must be the path of a file, in quotes")
    # The path is not repeated: who mistakes the key for the other one has written the secret there.
    try:
        return Path(path).read_bytes().decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ValueError("the file it names is not UTF-8 text") from None
    except OSError as error:
        raise ValueError(f"the file it names cannot be read: {error.strerror}") from None
    except ValueError:
        raise ValueError("must be the path of a file") from None


def _secrets(data: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    accounts = data.get("accounts")
    names = list(accounts) if isinstance(accounts, dict) else []
    for setting in describe():
        if not setting.is_secret:
            continue
        if setting.section.startswith("accounts."):
            yield from ((("accounts", name), setting.key) for name in names)
        else:
            yield (setting.section,) if setting.section else (), setting.key
