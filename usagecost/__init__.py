"""Usage & Cost: what an organisation's AI requests are, cost, and how well they go."""
