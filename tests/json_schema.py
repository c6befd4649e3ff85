"""Where a value breaks a JSON schema, in words."""

from __future__ import annotations

import json
from typing import Any

from jsonschema.validators import validator_for


def violations(value: Any, schema: dict) -> list[str]:
    """Every place where it does, as '$.people[0].score: 1.5 is greater than …'; numbers must be finite too."""
    json.dumps(value, allow_nan=False)
    kind = validator_for(schema)
    kind.check_schema(schema)
    return [f'{error.json_path}: {error.message}' for error in kind(schema).iter_errors(value)]
