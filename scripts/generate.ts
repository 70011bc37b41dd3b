import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serviceFileSchema, stackFileSchema } from "../config/schema/jsonSchema";
import { configReference } from "./configReference";
import { crdSchemas } from "./crdSchemas";
import { stackRbac } from "./rbac";

/**
 * `npm run generate`: writes the generated files that are committed.
 * - pulumi-stack.schema.json, from the config's schemas;
 * - services.schema.json, the same for service files;
 * - docs/config.md, the same for humans;
 * - deploy/rbac.dev.yaml, from what the dev stack creates;
 * - with `-- GATEWAY_API ISTIO`, checkouts of sigs.k8s.io/gateway-api and istio.io/istio: tests/crds/*.json, from their CRDs;
 *   a third, of prometheus-operator/prometheus-operator, for its kinds, a fourth, of cert-manager/cert-manager, for its own, and a fifth,
 *   of sigs.k8s.io/gateway-api from 1.6 on, for TLSRoute and both versions of TCPRoute.
 */
const root = join(__dirname, "..");
writeJson("pulumi-stack.schema.json", stackFileSchema(), 2);
writeJson("services.schema.json", serviceFileSchema(), 2);
writeText("docs/config.md", configReference());
void stackRbac(join(root, "Pulumi.dev.yaml")).then((yaml) => {
  mkdirSync(join(root, "deploy"), { recursive: true });
  writeText("deploy/rbac.dev.yaml", yaml);
});

const [gatewayApi, istio, prometheusOperator, certManager, newGatewayApi] = process.argv.slice(2);
if (gatewayApi !== undefined && istio !== undefined) {
  const kinds = ["v1/Gateway", "v1/HTTPRoute", "v1/GRPCRoute", "v1beta1/ReferenceGrant"].map(
    (kind) => `gateway.networking.k8s.io/${kind}`,
  );
  for (const channel of ["standard", "experimental"]) {
    const folder = join(gatewayApi, "config", "crd", channel);
    const files = readdirSync(folder).map((file) => join(folder, file));
    writeJson(join("tests", "crds", `${channel}.json`), crdSchemas(files, kinds), 1);
  }
  const istioKinds = [
    "networking.istio.io/v1/DestinationRule",
    "networking.istio.io/v1/ServiceEntry",
    "networking.istio.io/v1alpha3/EnvoyFilter",
    "security.istio.io/v1/AuthorizationPolicy",
    "security.istio.io/v1/PeerAuthentication",
    "security.istio.io/v1/RequestAuthentication",
    "telemetry.istio.io/v1/Telemetry",
  ];
  const crds = join(istio, "manifests", "charts", "base", "files", "crd-all.gen.yaml");
  writeJson(join("tests", "crds", "istio.json"), crdSchemas([crds], istioKinds), 1);
}
if (prometheusOperator !== undefined) {
  const folder = join(prometheusOperator, "example", "prometheus-operator-crd");
  const files = ["podmonitors", "prometheusrules"].map((kind) => join(folder, `monitoring.coreos.com_${kind}.yaml`));
  const kinds = ["PodMonitor", "PrometheusRule"].map((kind) => `monitoring.coreos.com/v1/${kind}`);
  writeJson(join("tests", "crds", "prometheus-operator.json"), crdSchemas(files, kinds), 1);
}

if (certManager !== undefined) {
  const crds = join(certManager, "deploy", "crds", "cert-manager.io_certificates.yaml");
  writeJson(join("tests", "crds", "cert-manager.json"), crdSchemas([crds], ["cert-manager.io/v1/Certificate"]), 1);
}

if (newGatewayApi !== undefined) {
  const folder = join(newGatewayApi, "config", "crd", "experimental");
  const files = ["tlsroutes", "tcproutes"].map((kind) => join(folder, `gateway.networking.k8s.io_${kind}.yaml`));
  const kinds = ["v1/TLSRoute", "v1/TCPRoute", "v1alpha2/TCPRoute"].map((kind) => `gateway.networking.k8s.io/${kind}`);
  writeJson(join("tests", "crds", "streams.json"), crdSchemas(files, kinds), 1);
}

function writeJson(file: string, value: unknown, indent: number): void {
  writeText(file, `${JSON.stringify(value, null, indent)}\n`);
}

function writeText(file: string, text: string): void {
  writeFileSync(join(root, file), text);
  console.log(`wrote ${file}`);
}
