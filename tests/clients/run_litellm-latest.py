"""The same with the newest conventions, which an environment variable switches on."""

import os
import runpy
from pathlib import Path

os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "gen_ai_latest_experimental"
runpy.run_path(str(Path(__file__).with_name("run_litellm.py")))
