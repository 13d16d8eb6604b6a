"""Keeps what a harness has counted: printed, and as a file beside the other artefacts."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

IS_LONG = os.environ.get("WXBOT_LONG") == "1"
ARTEFACTS = Path(__file__).parents[2] / "var" / "artefacts"


def keep(name: str, figures: Mapping[str, object]) -> None:
    """Print the figures of one harness and write them to var/artefacts/faults-<name>.json."""
    form = "long" if IS_LONG else "short"
    print(f"\n{name} ({form}): " + ", ".join(f"{key}={value}" for key, value in figures.items()))
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    file = ARTEFACTS / f"faults-{name}-{form}.json"
    file.write_text(json.dumps(dict(figures), indent=2) + "\n")
