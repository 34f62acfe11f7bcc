// What the Vercel AI SDK does in either of its versions: the same calls, one after the other, each with a scenario's word.
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

export function startTracing() {
  const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] });
  provider.register();
  return provider;
}

export async function callAll({ generateText, jsonSchema, streamText, tool }, createOpenAI, createAnthropic, options) {
  const parameters = jsonSchema({ type: "object", properties: { city: { type: "string" } }, required: ["city"] });
  const tools = { get_weather: tool({ description: "Tells the weather.", inputSchema: parameters }) };
  const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL });
  const anthropic = createAnthropic({ baseURL: `${process.env.ANTHROPIC_BASE_URL}/v1` });
  const chat = openai.chat("gpt-4o-mini");
  const responses = openai("o4-mini");
  const claude = anthropic("claude-sonnet-4-5");
  const ask = (model, word, more = {}) => ({ model, prompt: `${word}, please`, maxRetries: 0, ...more, ...options });

  for (const word of ["plain", "cached", "partly"]) await generateText(ask(chat, word));
  await generateText(ask(chat, "tool", { tools }));
  await generateText(ask(responses, "thinking"));
  await drain(streamText(ask(chat, "cached")));
  await drain(streamText(ask(responses, "thinking")));
  for (const word of ["plain", "written", "hourly", "partly", "extended"]) await generateText(ask(claude, word));
  await generateText(ask(claude, "tool", { tools }));
  for (const word of ["partly", "hourly"]) await drain(streamText(ask(claude, word)));
  for (const model of [chat, claude]) {
    for (const word of ["limited", "broken"]) await generateText(ask(model, word)).catch(() => {});
  }
}

async function drain(result) {
  for await (const _ of result.textStream);
}
