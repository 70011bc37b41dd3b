import * as grpc from "@grpc/grpc-js";

/** A call's request; every field is optional. */
export interface EchoRequest {
  /** Unit: milliseconds. */
  readonly sleep?: number;
  /** gRPC status to end with, instead of an answer. */
  readonly status?: number;
  /** Messages that `Stream` sends. */
  readonly messages?: number;
  /** Calls are counted per key. */
  readonly key?: string;
}

/** The answer to a call. */
export interface EchoAnswer {
  readonly service: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Calls with the same key so far, this one included. */
  readonly count: number;
}

function serialize(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function method(name: string, responseStream: boolean): grpc.MethodDefinition<EchoRequest, EchoAnswer> {
  return {
    path: `/lab.Echo/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: serialize,
    requestDeserialize: (bytes) => JSON.parse(bytes.toString()) as EchoRequest,
    responseSerialize: serialize,
    responseDeserialize: (bytes) => JSON.parse(bytes.toString()) as EchoAnswer,
  };
}

/** A service without a .proto file: messages are JSON. `Other` is `Unary` under another name. */
export const ECHO = { Unary: method("Unary", false), Other: method("Other", false), Stream: method("Stream", true) };

const counts = new Map<string, number>();

/** Opens a port, with TLS if it has a key, that answers gRPC calls with a name and what it received, and ends them with a trailer. */
export async function openGrpc(
  { service, address }: { service: string; address: string },
  port: number,
  identity?: { key: string; cert: string },
): Promise<{ close(): void }> {
  const server = new grpc.Server();
  const answer = (request: EchoRequest, metadata: grpc.Metadata): EchoAnswer => {
    const key = `${service} ${request.key ?? ""}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    return { service, metadata: metadata.getMap(), count: counts.get(key) ?? 0 };
  };
  const trailers = () => {
    const metadata = new grpc.Metadata();
    metadata.set("x-trailer", service);
    return metadata;
  };
  const failure = ({ status = 0 }: EchoRequest) =>
    status === 0 ? null : { code: status, details: `status ${status} was asked for`, metadata: trailers() };
  const unary: grpc.handleUnaryCall<EchoRequest, EchoAnswer> = ({ request, metadata }, reply) => {
    const answered = answer(request, metadata);
    setTimeout(() => {
      reply(failure(request), answered, trailers());
    }, request.sleep ?? 0);
  };
  const stream: grpc.handleServerStreamingCall<EchoRequest, EchoAnswer> = (call) => {
    const { request, metadata } = call;
    let sent = 0;
    const next = () => {
      const error = failure(request);
      if (sent++ < (request.messages ?? 1)) {
        call.write(answer(request, metadata));
        setTimeout(next, request.sleep ?? 0);
      } else if (error === null) {
        call.end(trailers());
      } else {
        call.destroy(Object.assign(new Error(error.details), error));
      }
    };
    next();
  };
  server.addService(ECHO, { Unary: unary, Other: unary, Stream: stream });
  const { ServerCredentials } = grpc;
  const credentials =
    identity === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [
          { private_key: Buffer.from(identity.key), cert_chain: Buffer.from(identity.cert) },
        ]);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`${address}:${port}`, credentials, (error) => {
      if (error === null) {
        resolve();
      } else {
        reject(error);
      }
    });
  });
  return {
    close: () => {
      server.forceShutdown();
    },
  };
}
