import { z } from "zod";
import { isMap } from "../../values/isMap";
import { objectName, serverName } from "../fields";

const MAX_NAMES = 16;

/** A name in a certificate, as Istio compares it: equal, or below a wildcard of the certificate. */
const certificateName = z
  .string("a name of the certificate")
  .regex(
    /^[A-Za-z0-9][\w.:/@-]{0,252}$/,
    "a name of the certificate, without *: a host name, an IP address, or a URI such as spiffe://example.com/web",
  );

/** What is set of TLS that the backend itself speaks, whether it asks for a certificate or not. */
const verification = {
  sni: serverName
    .optional()
    .describe(
      "Server name in the handshake, which the certificate has to be for. Default: the Host header as the backend gets it, after rewrite.hostname.",
    ),
  subjectAltNames: z
    .array(certificateName, "a list of names")
    .min(1, "at least one name")
    .max(MAX_NAMES, `at most ${MAX_NAMES} names`)
    .optional()
    .describe("Names, one of which the certificate must have. Default: the server name."),
  insecure: z
    .boolean("true or false")
    .optional()
    .describe("True accepts any certificate: whoever is on the way can answer. Default: false."),
};

const ca = z.strictObject({
  kind: z.enum(["Secret", "ConfigMap"], "either Secret or ConfigMap").describe("Kind of the object."),
  name: objectName.describe("Its name. It is in the Gateway's namespace, and has the certificates under ca.crt."),
});

const sidecars = z.strictObject({
  mode: z
    .enum(["DISABLE", "ISTIO_MUTUAL"])
    .describe(
      "ISTIO_MUTUAL: mutual TLS of the mesh or no connection. DISABLE: plain text, for ports that the sidecar skips, or if a mesh-wide rule demands TLS from backends without a sidecar.",
    ),
});

const simple = z.strictObject({
  mode: z.literal("SIMPLE").describe("TLS that the backend itself speaks."),
  ca: ca.optional().describe("CAs that the certificate may come from. Default: those of the proxy's image."),
  ...verification,
});

const mutual = z.strictObject({
  mode: z.literal("MUTUAL").describe("The same, and the gateway shows a certificate."),
  credentialName: objectName.describe(
    "Secret in the Gateway's namespace with the gateway's certificate: tls.crt, tls.key, and in ca.crt the CAs that the backend's may come from; or these in a Secret of that name with -cacert.",
  ),
  ...verification,
});

/** Nothing is checked, so there is nothing to check it against. */
const isOneWay = ({ insecure, ...given }: object & { insecure?: boolean }) =>
  insecure !== true || !("ca" in given || "subjectAltNames" in given);

/** TLS between the gateway and the backends. */
export const backendTlsSchema = z
  .discriminatedUnion("mode", [sidecars, simple, mutual], {
    error: ({ input }) => (isMap(input) ? "one of DISABLE, ISTIO_MUTUAL, SIMPLE, MUTUAL" : "a map of keys"),
  })
  .refine(isOneWay, "no ca and no subjectAltNames together with insecure, which accepts any certificate");

export type BackendTls = z.output<typeof backendTlsSchema>;

/** Whether the backend itself speaks TLS, rather than its sidecar. */
export function isBackendsOwn(tls: BackendTls | undefined): tls is Extract<BackendTls, { sni?: string }> {
  return tls?.mode === "SIMPLE" || tls?.mode === "MUTUAL";
}
