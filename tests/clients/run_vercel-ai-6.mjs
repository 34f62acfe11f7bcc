// The Vercel AI SDK up to version 6, whose spans are its own.
import * as ai from "ai-6";
import { createAnthropic } from "anthropic-3";
import { createOpenAI } from "openai-3";
import { callAll, startTracing } from "./calls.mjs";

const provider = startTracing();
await callAll(ai, createOpenAI, createAnthropic, { experimental_telemetry: { isEnabled: true, functionId: "greet" } });
await provider.shutdown();
