/** Parse an AsyncAPI document with the official parser; print its findings, and what it found. */
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
const told = diagnostics.map(({ code, message, path, severity }) => ({
  severity,
  code,
  path: path.join("."),
  message,
}));
const found = document && {
  version: document.version(),
  channels: document.allChannels().length,
  operations: document.allOperations().length,
  messages: document.allMessages().length,
};
process.stdout.write(`${JSON.stringify({ diagnostics: told, document: found ?? null })}\n`);
