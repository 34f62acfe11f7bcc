// The same of version 7 with all that its spans can hold beyond the conventions: usage, the provider's metadata, and so on.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { OpenTelemetry } from "@ai-sdk/otel";
import * as ai from "ai";
import { callAll, startTracing } from "./calls.mjs";

const provider = startTracing();
ai.registerTelemetry(new OpenTelemetry({ usage: true, providerMetadata: true }));
await callAll(ai, createOpenAI, createAnthropic, {});
await provider.shutdown();
