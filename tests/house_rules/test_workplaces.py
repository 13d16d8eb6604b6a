"""Nothing in the project tells where somebody works or where their packages come from."""

import re
from pathlib import Path

# Home folders, one person's temporary files, and addresses of package indexes.
FOREIGN = re.compile(
    r"(?<![\w.])/(home|Users|root|work)/\w"
    r"|[A-Z]:\\Users\\"
    r"|(index|find)[-_](url|links)"
    r"|trusted[-_]host"
    r"|https?://[\w.:-]+/(?:[\w-]+/)*simple\b"
)


def test_no_file_names_a_workplace(texts: dict[Path, str]) -> None:
    found = [
        f"{path}: {match[0]}"
        for path, text in texts.items()
        for match in FOREIGN.finditer(text)
        if path.name != Path(__file__).name
    ]

    assert not found


def test_locked_requirements_name_versions_and_hashes_only(root: Path) -> None:
    for lock in sorted((root / "deploy").glob("requirements*.txt")):
        lines = [line.strip() for line in lock.read_text().splitlines()]

        assert lines and not [
            line
            for line in lines
            if not re.fullmatch(r"[a-z0-9-]+==\S+( ;.*)? \\|--hash=sha256:\w{64}( \\)?", line)
        ]
