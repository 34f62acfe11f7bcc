"""The invented organisation behind the sample: its offices, people, apps, and the models they call.

All of it is data. Prices come from the price library like those of any log; only the broker's own prices, which differ
slightly from the list, stand here.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

BERLIN, NEW_YORK, SINGAPORE, UTC_ZONE = "Europe/Berlin", "America/New_York", "Asia/Singapore", "UTC"
ENVIRONMENTS = ("production", "staging", "development")


@dataclass(frozen=True)
class Model:
    """A model as a log names it, and how it behaves."""

    name: str
    provider: str
    first_token_ms: float
    tokens_per_second: float
    context_tokens: int
    reports_cache_reads: bool = True
    reports_cache_writes: bool = False
    reasoning_share: float = nan
    """Of the output, on average; NaN where the provider does not report it."""
    broker_price: tuple[float, float, float] = (nan, nan, nan)
    """USD per million tokens of uncached input, cache reads and output; NaN where the log reports no cost."""
    operation: str = "chat"


MODELS = (
    Model("gpt-6-sol", "openai", 620, 85, 400_000, reports_cache_writes=True, reasoning_share=0.45),
    Model("gpt-6-luna", "openai", 310, 190, 400_000, reports_cache_writes=True, reasoning_share=0.1),
    Model("gpt-5-mini", "openai", 480, 130, 400_000, reasoning_share=0.35),
    Model("gpt-4.1", "openai", 450, 95, 1_000_000, reasoning_share=0.0),
    Model("text-embedding-3-small", "openai", 60, 0, 8_191, reports_cache_reads=False, operation="embeddings"),
    Model("claude-opus-5", "anthropic", 1_150, 55, 200_000, reports_cache_writes=True),
    Model("claude-sonnet-5", "anthropic", 780, 80, 200_000, reports_cache_writes=True),
    Model("claude-haiku-4-5", "anthropic", 390, 160, 200_000, reports_cache_writes=True),
    Model("gemini-3.1-pro-preview", "google", 1_300, 90, 1_000_000, reasoning_share=0.5),
    Model("gemini-3.5-flash", "google", 420, 210, 1_000_000, reasoning_share=0.25),
    Model("gemini-2.5-flash-lite", "google", 240, 280, 1_000_000, reasoning_share=0.0),
    Model("mistral-large-2512", "mistral", 520, 70, 256_000, broker_price=(0.525, 0.0525, 1.575)),
    Model("mistral-small-2603", "mistral", 230, 150, 256_000, broker_price=(0.1575, 0.01575, 0.63)),
    Model("support-assistant-14b", "self-hosted", 180, 60, 32_000, reports_cache_reads=False),
)
MODEL_NAMES = tuple(model.name for model in MODELS)

OUTAGE_PROVIDER = "openai"
FALLBACK_MODEL = "claude-sonnet-5"
"""Where the gateway sends some of the requests while the provider is down."""
RETRYING_APP = "semantic-search"
"""The service that keeps trying meanwhile."""

ROUTES = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com/v1",
    "google": "https://europe-west1-aiplatform.googleapis.com",
    "mistral": "https://broker.example.com/v1",
    "self-hosted": "http://vllm.internal.example.com:8000/v1",
}


@dataclass(frozen=True)
class Person:
    """A user: the id a log carries, the team, and the office whose hours are kept."""

    user_id: str
    team: str
    zone: str


_OFFICES = {
    "platform": {
        BERLIN: "anna.berg lukas.brandt mira.hoffmann jonas.keller",
        NEW_YORK: "david.kim rachel.adams tom.okafor",
        SINGAPORE: "wei.tan priya.nair",
    },
    "search": {BERLIN: "elif.demir pawel.nowak sofia.rossi", NEW_YORK: "marcus.reed grace.liu", SINGAPORE: "arjun.mehta"},
    "support": {
        BERLIN: "katja.vogel nils.petersen",
        NEW_YORK: "olivia.brooks jamal.carter maria.gomez",
        SINGAPORE: "siti.rahman jun.lim hannah.lee",
    },
    "data-science": {
        BERLIN: "felix.maier claire.dubois ines.ferreira",
        NEW_YORK: "noah.stein amara.obi",
        SINGAPORE: "yuki.sato ravi.iyer",
    },
    "marketing": {BERLIN: "lena.fischer hugo.martin", NEW_YORK: "emily.ward chris.bennett", SINGAPORE: "mei.chen"},
    "finance": {BERLIN: "georg.wolf ewa.zielinska", NEW_YORK: "sarah.cohen peter.novak", SINGAPORE: "daniel.ong"},
}
PEOPLE = tuple(
    Person(f"{name}@example.com", team, zone)
    for team, offices in _OFFICES.items()
    for zone, names in offices.items()
    for name in names.split()
)


@dataclass(frozen=True)
class Rhythm:
    """How busy each local hour is, and how busy a weekend day is against a working day."""

    hours: tuple[int, ...]
    weekend: float


OFFICE = Rhythm((1, 0, 0, 0, 0, 0, 1, 4, 12, 20, 22, 20, 12, 16, 21, 21, 19, 14, 8, 4, 3, 3, 2, 1), 0.1)
CUSTOMERS = Rhythm((6, 5, 4, 4, 4, 5, 7, 10, 14, 17, 18, 18, 17, 17, 17, 16, 15, 15, 15, 14, 13, 12, 10, 8), 0.55)
NIGHT = Rhythm((0, 4, 20, 20, 8) + (0,) * 19, 0.4)


@dataclass(frozen=True)
class App:
    """An application: its share of the requests, who uses it, and what a typical session looks like."""

    name: str
    share: float
    models: dict[str, float]
    prompt_tokens: int
    turn_tokens: int
    answer_tokens: int
    users_from: tuple[str, ...] = ()
    """Teams whose people use it; none for a service, which calls with its own key and no user."""
    owner: str | None = None
    """The team of a service's key; None for a key nobody assigned."""
    turns: int = 1
    """Requests of a session, on average; 1 for an app without sessions."""
    pause_s: float = 60
    rhythm: Rhythm = OFFICE
    zone: str = BERLIN
    prompt_spread: float = 0.0
    """Sigma of the log-normal prompt; 0 where every request carries the same system prompt."""
    caching: float = 0.0
    """Share of the sessions that use the prompt cache once everybody has learned to."""
    shared_prefix: float = 0.0
    """Of those, how often the first request finds the prompt cached by another session."""
    streaming: float = 0.0
    repeats: float = 0.0
    """Share of the requests that the gateway answers from its own cache."""
    batch: bool = False
    has_customers: bool = False
    tags: tuple[str, ...] | None = None


APPS = (
    App(
        "code-assistant", 0.31, {"claude-sonnet-5": 0.5, "claude-opus-5": 0.2, "gpt-6-sol": 0.3}, 14_000, 1_400, 380,
        users_from=("platform", "search", "data-science"), turns=14, pause_s=45, caching=0.95, shared_prefix=0.35, streaming=0.95,
        tags=("agent", "coding"),
    ),
    App(
        "research-agent", 0.015, {"claude-opus-5": 0.6, "gpt-6-sol": 0.4}, 9_000, 3_500, 900,
        users_from=("data-science",), turns=8, pause_s=30, caching=0.8, streaming=0.5, tags=("agent",),
    ),
    App(
        "notebooks", 0.08, {"gpt-6-sol": 0.45, "gemini-3.1-pro-preview": 0.35, "claude-sonnet-5": 0.2}, 2_200, 700, 650,
        users_from=("data-science", "search"), turns=4, pause_s=150, caching=0.5, streaming=0.8,
    ),
    App(
        "support-chat", 0.12, {"claude-haiku-4-5": 0.62, "support-assistant-14b": 0.38}, 3_800, 160, 210,
        owner="support", turns=4, pause_s=50, rhythm=CUSTOMERS, zone=NEW_YORK, caching=0.9, shared_prefix=0.8, streaming=1.0,
        repeats=0.05, has_customers=True, tags=("customer-facing", "rag"),
    ),
    App(
        "reply-drafts", 0.065, {"claude-haiku-4-5": 0.45, "claude-sonnet-5": 0.3, "support-assistant-14b": 0.25}, 2_900, 480, 240,
        users_from=("support",), turns=2, pause_s=75, caching=0.7, shared_prefix=0.6, streaming=0.9, tags=("rag",),
    ),
    App(
        "ticket-triage", 0.05, {"gpt-6-luna": 0.6, "mistral-small-2603": 0.4}, 1_500, 420, 60,
        owner="support", rhythm=CUSTOMERS, caching=0.6, shared_prefix=0.7, repeats=0.1,
    ),
    App(
        "semantic-search", 0.07, {"text-embedding-3-small": 1.0}, 0, 230, 0,
        owner="search", rhythm=CUSTOMERS, zone=NEW_YORK, repeats=0.18, tags=("customer-facing",),
    ),
    App(
        "search-answers", 0.06, {"gemini-2.5-flash-lite": 0.7, "gemini-3.5-flash": 0.3}, 2_600, 300, 190,
        owner="search", rhythm=CUSTOMERS, zone=SINGAPORE, prompt_spread=0.4, caching=0.5, shared_prefix=0.5, streaming=0.9,
        repeats=0.12, tags=("customer-facing", "rag"),
    ),
    App(
        "copy-studio", 0.075, {"gpt-4.1": 0.55, "mistral-large-2512": 0.25, "claude-sonnet-5": 0.2}, 1_900, 350, 620,
        users_from=("marketing",), turns=3, pause_s=120, caching=0.5, streaming=0.85,
    ),
    App("translation", 0.03, {"mistral-large-2512": 1.0}, 600, 900, 850, rhythm=CUSTOMERS, repeats=0.08),
    App(
        "contract-analyst", 0.03, {"gemini-3.1-pro-preview": 0.6, "claude-opus-5": 0.4}, 38_000, 400, 900,
        users_from=("finance",), turns=3, pause_s=180, prompt_spread=0.7, caching=0.8, streaming=0.7, tags=("documents",),
    ),
    App(
        "invoice-reader", 0.035, {"gpt-5-mini": 0.55, "gemini-3.5-flash": 0.45}, 1_200, 2_100, 420,
        owner="finance", turns=30, pause_s=2, rhythm=NIGHT, zone=UTC_ZONE, batch=True, tags=("documents", "batch"),
    ),
    App(
        "meeting-notes", 0.06, {"gpt-5-mini": 0.6, "gemini-3.5-flash": 0.4}, 800, 7_500, 700,
        users_from=("platform", "support", "marketing", "finance"), streaming=0.2,
    ),
)  # fmt: skip

RUNAWAY_APP, RUNAWAY_MODEL, RUNAWAY_USER = "research-agent", "claude-opus-5", "noah.stein@example.com"
"""The agent that one day does not stop by itself: the cause of the cost spike."""


@dataclass(frozen=True)
class Failure:
    """A way to fail: how often on a normal day and in an outage, how long it takes, and what the provider says."""

    error_class: str
    http_status: int
    weight: float
    outage_weight: float
    duration_ms: float
    message: str


FAILURES = (
    Failure("RateLimitError", 429, 0.42, 0.08, 140, "Rate limit reached for requests per minute"),
    Failure("Timeout", 408, 0.18, 0.3, 60_000, "Request timed out"),
    Failure("ServiceUnavailableError", 503, 0.1, 0.5, 1_900, "The service is temporarily overloaded"),
    Failure("InternalServerError", 500, 0.1, 0.12, 900, "The server had an error while processing the request"),
    Failure("ContextWindowExceededError", 400, 0.12, 0.0, 260, "The prompt is longer than the model's context window"),
    Failure("AuthenticationError", 401, 0.08, 0.0, 45, "Invalid API key"),
)
