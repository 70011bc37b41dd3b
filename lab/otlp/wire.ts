import { BinaryReader, BinaryWriter } from "google-protobuf";

/**
 * The part of OTLP that the lab uses, in protobuf's wire format.
 * https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
 */
export interface Span {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** Empty for the first span of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  /** service.name of the process that created it. */
  readonly service: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export const EXPORT_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const KIND_SERVER = 2;

/** Handlers for a message's fields, by field number; other fields are skipped. */
type Fields = Readonly<Record<number, (reader: BinaryReader) => void>>;

function readFields(reader: BinaryReader, fields: Fields): void {
  while (reader.nextField()) {
    const read = fields[reader.getFieldNumber()];
    if (read === undefined) {
      reader.skipField();
    } else {
      read(reader);
    }
  }
}

function nested(fields: Fields): (reader: BinaryReader) => void {
  return (reader) => {
    reader.readMessage({}, () => readFields(reader, fields));
  };
}

/** Spans of an ExportTraceServiceRequest. */
export function decodeSpans(request: Uint8Array): Span[] {
  const spans: Span[] = [];
  const resourceSpans = (reader: BinaryReader) => {
    const resource: Record<string, string> = {};
    const own: Omit<Span, "service">[] = [];
    const scopeSpans = nested({ 2: (inner) => own.push(readSpan(inner)) });
    nested({ 1: nested({ 1: (inner) => readKeyValue(inner, resource) }), 2: scopeSpans })(reader);
    spans.push(...own.map((span) => ({ ...span, service: resource["service.name"] ?? "" })));
  };
  readFields(new BinaryReader(request), { 1: resourceSpans });
  return spans;
}

function readSpan(reader: BinaryReader): Omit<Span, "service"> {
  const span = { traceId: "", spanId: "", parentSpanId: "", name: "", attributes: {} };
  const id = (inner: BinaryReader) => Buffer.from(inner.readBytes()).toString("hex");
  nested({
    1: (inner) => (span.traceId = id(inner)),
    2: (inner) => (span.spanId = id(inner)),
    4: (inner) => (span.parentSpanId = id(inner)),
    5: (inner) => (span.name = inner.readString()),
    9: (inner) => readKeyValue(inner, span.attributes),
  })(reader);
  return span;
}

/** A KeyValue; only string, boolean and number values are read. */
function readKeyValue(reader: BinaryReader, into: Record<string, string>): void {
  let key = "";
  let value: string | undefined;
  nested({
    1: (inner) => (key = inner.readString()),
    2: nested({
      1: (inner) => (value = inner.readString()),
      2: (inner) => (value = String(inner.readBool())),
      3: (inner) => (value = String(inner.readInt64())),
      4: (inner) => (value = String(inner.readDouble())),
    }),
  })(reader);
  if (value !== undefined) {
    into[key] = value;
  }
}

/** An ExportTraceServiceRequest with one server span that ends now. */
export function encodeSpan(span: Span, startMs: number): Uint8Array {
  const writer = new BinaryWriter();
  const message = (field: number, write: () => void) => writer.writeMessage(field, {}, write);
  const attribute = (field: number, key: string, value: string) =>
    message(field, () => {
      writer.writeString(1, key);
      message(2, () => writer.writeString(1, value));
    });
  message(1, () => {
    message(1, () => attribute(1, "service.name", span.service));
    message(2, () =>
      message(2, () => {
        writer.writeBytes(1, Buffer.from(span.traceId, "hex"));
        writer.writeBytes(2, Buffer.from(span.spanId, "hex"));
        writer.writeBytes(4, Buffer.from(span.parentSpanId, "hex"));
        writer.writeString(5, span.name);
        writer.writeEnum(6, KIND_SERVER);
        writer.writeFixed64String(7, `${startMs}000000`);
        writer.writeFixed64String(8, `${Date.now()}000000`);
        Object.entries(span.attributes).forEach(([key, value]) => attribute(9, key, value));
      }),
    );
  });
  return writer.getResultBuffer();
}
