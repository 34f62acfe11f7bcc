"""Anthropic's own library, which writes spans by itself."""

import calls

provider = calls.start_tracing()
calls.call_anthropic()
provider.shutdown()
