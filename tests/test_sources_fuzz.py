"""Whatever is in a file: nothing raises, no count is negative, every line is used, skipped or rejected."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from usagecost.sources.litellm import LiteLLM
