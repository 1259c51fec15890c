"""Write every file that is derived from the contracts: `python -m ops.generate`.

The gate compares what is committed with what this writes.
"""

import json
from pathlib import Path

from contracts.providers import all_providers


def main() -> None:
    """Write all generated files into the working tree."""
    root = Path(__file__).resolve().parent.parent
    for path, text in generated_files().items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def generated_files() -> dict[str, str]:
    """Return the text of each generated file by its path from the root."""
    return {"ingress/doors.json": _doors()}


def _doors() -> str:
    doors = [provider.door.model_dump(mode="json") for provider in all_providers().values()]
    return json.dumps(doors, indent=2) + "\n"


if __name__ == "__main__":
    main()
