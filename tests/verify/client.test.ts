import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { createServer, type TlsOptions } from "node:tls";
import { ANYTHING, WEAK } from "../../verify/checks/tls";
import { get, handshake } from "../../verify/client";
import { selfSigned } from "../support/certificates";

/** A handshake with a server of these settings. */
async function shake(server: TlsOptions, client: object): Promise<boolean> {
  const { certificatePem, privateKeyPem } = await selfSigned({ commonName: "old", dnsNames: ["old.test"] });
  const listener = createServer({ cert: certificatePem, key: privateKeyPem, ...server }, (socket) => socket.end());
  listener.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address() as AddressInfo;
  const seen = await handshake("old.test", { address: "127.0.0.1" }, { ...client, port });
  listener.close();
  return seen.succeeded;
}

describe("verify/client", () => {
  // A refusal only proves something if the client would have accepted.
  it("would accept old TLS and weak ciphers if offered", async () => {
    for (const version of ["TLSv1", "TLSv1.1"] as const) {
      const only = { minVersion: version, maxVersion: version, ciphers: ANYTHING };
      assert.equal(await shake({ ...only, ciphers: "ALL:@SECLEVEL=0" }, only), true, version);
      assert.equal(await shake({ minVersion: "TLSv1.2" }, only), false, version);
    }
    const weak = { maxVersion: "TLSv1.2", ciphers: WEAK } as const;
    assert.equal(await shake({ ciphers: "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0", maxVersion: "TLSv1.2" }, weak), true);
    assert.equal(await shake({ ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256", maxVersion: "TLSv1.2" }, weak), false);
  });

  it("reports a connection that fails at once, as from an address that this machine does not have", async () => {
    for (const scheme of ["http", "https"]) {
      const { status, error } = await get(`${scheme}://web.test/`, { address: "127.0.0.1", from: "203.0.113.1" });
      assert.equal(status, 0);
      assert.match(error ?? "", /EADDRNOTAVAIL/);
    }
  });
});
