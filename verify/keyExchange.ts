import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { TIMEOUT_MS, type Route } from "./client";

/** Groups that a server may offer, by their codes in TLS: https://www.iana.org/assignments/tls-parameters/#tls-parameters-8 */
const CODES: Readonly<Record<string, number>> = {
  X25519MLKEM768: 0x11ec,
  X25519: 0x001d,
  "P-256": 0x0017,
  "P-384": 0x0018,
  "P-521": 0x0019,
};

/** The groups of a server's key exchange, in its order of preference if it has one; or why none could be asked for. */
export interface KeyExchange {
  readonly groups: readonly string[];
  readonly error?: string;
}

/**
 * Asks a server which groups it takes for the key exchange of TLS 1.3. A client that sends no key makes it name the group that it wants
 * before anything is encrypted (HelloRetryRequest, RFC 8446, 4.1.4 and 4.2.8): so this sees groups that Node cannot use, such as
 * ML-KEM with OpenSSL before 3.5.
 */
export async function keyExchange(host: string, { address, from }: Route, port = 443): Promise<KeyExchange> {
  const left = new Map(Object.entries(CODES).map(([name, code]) => [code, name]));
  const groups: string[] = [];
  try {
    while (left.size > 0) {
      const answer = await exchange({ host: address ?? host, port, localAddress: from }, hello(host, [...left.keys()]));
      const code = chosenGroup(answer);
      const name = code === undefined ? undefined : left.get(code);
      if (code === undefined || name === undefined) {
        break;
      }
      groups.push(name);
      left.delete(code);
    }
    return { groups };
  } catch (error) {
    return { groups, error: error instanceof Error ? error.message : String(error) };
  }
}

const RECORD_HEADER = 5;
const HANDSHAKE = 22;
const SERVER_HELLO = 2;
const KEY_SHARE = 51;

/** Sends one message and reads one record. */
function exchange(to: { host: string; port: number; localAddress?: string }, message: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...to, timeout: TIMEOUT_MS }, () => socket.write(message));
    let seen = Buffer.alloc(0);
    socket.on("data", (part) => {
      seen = Buffer.concat([seen, part]);
      if (seen.length >= RECORD_HEADER && seen.length >= RECORD_HEADER + seen.readUInt16BE(3)) {
        resolve(seen);
        socket.destroy();
      }
    });
    socket.once("timeout", () => socket.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the connection was closed without an answer")));
  });
}

/** The group of a ServerHello; undefined for anything else, such as an alert. */
function chosenGroup(record: Buffer): number | undefined {
  if (record[0] !== HANDSHAKE || record[RECORD_HEADER] !== SERVER_HELLO) {
    return undefined;
  }
  // Behind the type, length, version and random value: the session's id, then cipher suite, compression and the extensions' length.
  const session = RECORD_HEADER + 1 + 3 + 2 + 32;
  let at = session + 1 + record.readUInt8(session) + 2 + 1 + 2;
  while (at + 4 <= record.length) {
    if (record.readUInt16BE(at) === KEY_SHARE) {
      return record.readUInt16BE(at + 4);
    }
    at += 4 + record.readUInt16BE(at + 2);
  }
  return undefined;
}

/** A ClientHello of TLS 1.3 that offers these groups, and a key of none. https://www.rfc-editor.org/rfc/rfc8446#section-4.1.2 */
function hello(host: string, groups: readonly number[]): Buffer {
  const extensions = [
    extension(0, list(2, Buffer.from([0]), list(2, Buffer.from(host)))),
    extension(10, list(2, numbers(groups))),
    // Signatures: ECDSA and RSA-PSS, each with SHA-256, 384 and 512.
    extension(13, list(2, numbers([0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806]))),
    extension(43, list(1, numbers([0x0304]))),
    extension(KEY_SHARE, list(2)),
  ];
  const body = [
    numbers([0x0303]),
    randomBytes(32),
    list(1),
    list(2, numbers([0x1301, 0x1302, 0x1303])),
    list(1, Buffer.from([0])),
    list(2, ...extensions),
  ];
  return Buffer.concat([Buffer.from([HANDSHAKE, 3, 1]), list(2, Buffer.from([1]), list(3, ...body))]);
}

const extension = (type: number, content: Buffer) => Buffer.concat([numbers([type]), list(2, content)]);

/** Parts behind their length, which takes so many bytes. */
function list(width: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const length = Buffer.alloc(width);
  length.writeUIntBE(content.length, 0, width);
  return Buffer.concat([length, content]);
}

const numbers = (values: readonly number[]) => Buffer.from(values.flatMap((value) => [value >> 8, value & 0xff]));
