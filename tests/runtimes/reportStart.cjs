// Loaded by every Node that tests/runtimes starts.
const { appendFileSync } = require("node:fs");
const process = require("node:process");
const { isMainThread } = require("node:worker_threads");

if (isMainThread) {
  const start = { version: process.versions.node, file: process.argv[1] ?? "" };
  appendFileSync(process.env.RUNTIME_STARTS, `${JSON.stringify(start)}\n`);
}
