import assert from "node:assert/strict";
import { createServer, type AddressInfo, type Server } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { selfSigned } from "../support/certificates";
import { keyExchange, type KeyExchange } from "../../verify/keyExchange";

async function ask(server: Server): Promise<KeyExchange> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await keyExchange("groups.test", { address: "127.0.0.1" }, (server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

async function askTls(options: TlsOptions): Promise<KeyExchange> {
  const { certificatePem, privateKeyPem } = await selfSigned({ commonName: "groups.test", dnsNames: ["groups.test"] });
  const server = createTlsServer({ cert: certificatePem, key: privateKeyPem, ...options });
  server.on("tlsClientError", () => undefined);
  return ask(server);
}

describe("verify/keyExchange", () => {
  it("asks a server for each group that it takes", async () => {
    const { groups, error } = await askTls({ ecdhCurve: "P-384:X25519" });
    // Whose preference counts depends on OpenSSL's version.
    assert.deepEqual([[...groups].sort(), error], [["P-384", "X25519"], undefined]);
    assert.deepEqual(await askTls({ ecdhCurve: "P-521" }), { groups: ["P-521"] });
  });

  it("finds none where TLS 1.3 is not spoken", async () => {
    assert.deepEqual(await askTls({ maxVersion: "TLSv1.2" }), { groups: [] });
  });

  it("finds a group in what an Envoy with ML-KEM answers", async () => {
    // The HelloRetryRequest of Envoy 1.38.2 to the first question, and its alert to the second.
    const random = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c";
    const retry = `1603030038020000340303${random}00130100000c002b000203040033000211ec`;
    const answers = [retry, "15030300020228"].map((hex) => Buffer.from(hex, "hex"));
    const questions: Buffer[] = [];
    const server = createServer((socket) =>
      socket.once("data", (question) => {
        questions.push(question);
        const answer = answers.shift() ?? Buffer.alloc(0);
        // In two parts, as a network may.
        socket.write(answer.subarray(0, 7));
        setTimeout(() => socket.end(answer.subarray(7)), 20);
      }),
    );
    assert.deepEqual(await ask(server), { groups: ["X25519MLKEM768"] });
    const offered = (question?: Buffer) =>
      /000a(....)(....)((?:....)*?)000d/.exec(question?.toString("hex") ?? "")?.[3];
    assert.equal(offered(questions[0]), "11ec001d001700180019");
    assert.equal(offered(questions[1]), "001d001700180019");
    assert.ok(questions[0]?.includes("groups.test"));
  });

  it("says why nothing was answered", async () => {
    const closes = createServer((socket) => socket.destroy());
    assert.match((await ask(closes)).error ?? "", /closed without an answer|ECONNRESET/);
    const cut = createServer((socket) => void socket.end(Buffer.from("1603030002" + "0200", "hex")));
    assert.match((await ask(cut)).error ?? "", /out of range/);
    assert.match((await keyExchange("groups.test", { address: "127.0.0.1" }, 1)).error ?? "", /ECONNREFUSED/);
  });
});
