import { appendFileSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { decodeSpans, EXPORT_METHOD } from "./wire";

/** The lab's collector: `node collector.ts ADDRESS:PORT FILE`. Receives spans over OTLP/gRPC, appends each as a JSON line. */
const [address = "", file = ""] = process.argv.slice(2);

const server = new grpc.Server();
server.addService(
  {
    export: {
      path: EXPORT_METHOD,
      requestStream: false,
      responseStream: false,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: () => Buffer.alloc(0),
      requestSerialize: (bytes: Buffer) => bytes,
      responseDeserialize: (bytes: Buffer) => bytes,
    },
  },
  {
    export: (call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) => {
      const lines = decodeSpans(call.request).map((span) => `${JSON.stringify(span)}\n`);
      appendFileSync(file, lines.join(""));
      callback(null, Buffer.alloc(0));
    },
  },
);
server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error !== null) {
    throw error;
  }
  // Created last: once the file exists, the collector is ready.
  appendFileSync(file, "");
});
