// The Vercel AI SDK since version 7, whose spans come from a package of their own.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { OpenTelemetry } from "@ai-sdk/otel";
import * as ai from "ai";
import { callAll, startTracing } from "./calls.mjs";

const provider = startTracing();
ai.registerTelemetry(new OpenTelemetry());
await callAll(ai, createOpenAI, createAnthropic, {});
await provider.shutdown();
