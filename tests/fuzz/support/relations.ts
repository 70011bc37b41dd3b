import type { Draw, Values } from "./draw";
import { ISSUER, type Material } from "./material";

/** What breaks only a rule between two keys: exactly one error follows, and everything else stays valid. */
type Relation = (values: Values, material: Material, draw: Draw) => string;

export const RELATIONS: Readonly<Record<string, Relation>> = {
  anotherCaKey: (values, { authority, other }) => (
    signBy(values, authority.certificatePem, other.privateKeyPem),
    "certificate.caPrivateKey"
  ),
  unreadableCaKey: (values, { authority }) => (
    signBy(values, authority.certificatePem, block("PRIVATE KEY")),
    "certificate.caPrivateKey"
  ),
  noCa: (values, { leaf }) => (signBy(values, leaf.certificatePem, leaf.privateKeyPem), "certificate.caCertificate"),
  briefCa: (values, { brief }) => (
    signBy(values, brief.certificatePem, brief.privateKeyPem),
    "certificate.caCertificate"
  ),
  unreadableCa: (values, { authority }) => (
    signBy(values, block("CERTIFICATE"), authority.privateKeyPem),
    "certificate.caCertificate"
  ),
  brokenChain: (values, { authority, other }) => (
    signBy(values, authority.certificatePem + other.certificatePem, authority.privateKeyPem),
    "certificate.caCertificate"
  ),
  clientCertificates: (values, { authority, leaf }, draw) => {
    (values.services as Values[]).forEach((service) => delete service.clientCertificates);
    const gateway = (values.gateway ??= {}) as Values;
    const caCertificate = draw.pick([
      leaf.certificatePem,
      authority.certificatePem + leaf.certificatePem,
      block("CERTIFICATE"),
    ]);
    gateway.tls = { ...(gateway.tls as Values | undefined), clientCertificates: { caCertificate } };
    return "gateway.tls.clientCertificates.caCertificate";
  },
  sharedHostAccess: (values) => {
    const first = firstService(values);
    const host = firstHost(values);
    const access = { jwt: { issuer: "https://other.test", jwks: ISSUER.jwks, audiences: ["zz"] } };
    const paths = [first.protocol === "grpc" ? "/zz.Own" : "/zz-own"];
    const { protocol, hsts } = first;
    return `${add(values, { name: "zz-shared", host, certificate: first.certificate, protocol, hsts, paths, access })}.access`;
  },
  sharedBackend: (values) => {
    const shared = { backends: [{ service: "zz-shared" }], access: { public: true } };
    add(values, { name: "zz-one", ...shared, trafficPolicy: { connections: { maxConnections: 1 } } });
    const other = { connections: { maxConnections: 2 } };
    return `${add(values, { name: "zz-two", ...shared, trafficPolicy: other })}.trafficPolicy`;
  },
  sharedProtocol: (values) => {
    const trafficPolicy = { tls: { mode: "SIMPLE" }, connections: {}, outlierDetection: {}, loadBalancing: {} };
    const shared = { backends: [{ service: "zz-shared" }], access: { public: true }, trafficPolicy };
    add(values, { name: "zz-one", ...shared });
    return `${add(values, { name: "zz-two", protocol: "grpc", ...shared })}.protocol`;
  },
  uncheckedName: (values) => {
    const tls = { mode: "SIMPLE", insecure: true, subjectAltNames: ["a.test"] };
    return `${add(values, { name: "zz-one", access: { public: true }, trafficPolicy: { tls } })}.trafficPolicy.tls`;
  },
  sharedMirror: (values) => {
    const service = { access: { public: true }, trafficPolicy: { connections: { maxConnections: 1 } } };
    add(values, { name: "zz-one", ...service });
    const other = { mirror: { service: "zz-one" }, trafficPolicy: { outlierDetection: { interval: "7s" } } };
    return `${add(values, { name: "zz-two", ...service, ...other })}.trafficPolicy`;
  },
  twoProviders: (values) => {
    const [, asked = "zz-one"] = /"externalAuthorization":\{"provider":"([^"]+)"/.exec(JSON.stringify(values)) ?? [];
    const asking = (provider: string) => ({ access: { externalAuthorization: { provider } } });
    add(values, { name: "zz-one", ...asking(asked) });
    return `${add(values, { name: "zz-two", ...asking("zz-two") })}.access.externalAuthorization.provider`;
  },
};

/** A certificate signed by a CA. Its key settings stay, since the cipher suites fit them. */
function signBy(values: Values, caCertificate: string, caPrivateKey: string): void {
  const { keyAlgorithm } = (values.certificate ?? {}) as Values;
  values.certificate = { type: "ca-signed", keyAlgorithm, caCertificate, caPrivateKey };
}

/** The domain that hosts follow from. */
export function firstDomain({ domain, domains }: Values): string {
  const [given] = (domains ?? [domain]) as (string | Values)[];
  return String(typeof given === "string" ? given : given?.domain);
}

/** The host of the first service. */
export function firstHost(values: Values): string {
  const { name, host, hosts } = firstService(values);
  const given =
    (hosts as (string | Values)[] | undefined)?.[0] ??
    (host as string | undefined) ??
    `${String(name)}.${firstDomain(values)}`;
  return String(typeof given === "string" ? given : given.host);
}

function firstService(values: Values): Values {
  return (values.services as Values[])[0] ?? {};
}

/** Adds a service, and returns its key path. */
function add(values: Values, service: Values): string {
  const services = values.services as Values[];
  services.push({ namespace: services[0]?.namespace, ...service });
  return `services[${services.length - 1}]`;
}

/** What looks like PEM but is not. */
function block(label: string): string {
  return `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`;
}
