"""The numbers for machines: a read-only HTTP API in the pages' own words, metrics for Prometheus, and tools for assistants.

It asks the pages' own questions and gives what they show. It never writes to the lake but for its tokens, and shows a token nothing
but what the token's scope allows.
"""
