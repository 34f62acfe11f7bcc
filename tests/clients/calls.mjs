// What Node's `ai` is made to do: node calls.mjs API_URL, where package.json is installed. See calls.py.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { generateText, streamText } from "ai";

const url = process.argv[2];
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(new OTLPTraceExporter())] });
provider.register();
const gpt = createOpenAI({ baseURL: `${url}/v1`, apiKey: "x" }).chat("gpt-4o");
const claude = createAnthropic({ baseURL: `${url}/v1`, apiKey: "x" })("claude-sonnet-4-5");
const about = { maxRetries: 0, experimental_telemetry: { isEnabled: true, functionId: "answer", metadata: { userId: "ada" } } };

for (const [model, prompts] of [
  [gpt, ["plain", "cached", "reasoning", "fails429", "fails500"]],
  [claude, ["plain", "cached", "write", "cached write", "fails429"]],
]) {
  for (const prompt of prompts) {
    await generateText({ model, prompt, ...about }).catch(() => {});
  }
  await streamText({ model, prompt: "cached streamed", ...about }).consumeStream();
}
await provider.shutdown();
