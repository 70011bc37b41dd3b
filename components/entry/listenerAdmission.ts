import {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from "@pulumi/kubernetes/admissionregistration/v1";
import type { types } from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { HTTPS_PORT } from "../../config/resolve/protocols";
import type { AllowedListeners } from "../../config/schema/entry/allowedListeners";
import { type GatewayRef, partOf } from "../shared/naming";

export interface ListenerAdmissionArgs {
  /** Namespaces, and the hosts that each may bring: `gateway.allowedListeners` of `gatewayConfig()`. */
  config: AllowedListeners;
  /** The Gateway whose ListenerSets are checked; those of others are not. */
  gateway: GatewayRef;
}

/**
 * Holds the ListenerSets of a Gateway to the hosts of their namespaces, when they are made or changed: a listener with a more specific
 * host would take the clients of any other. Those that were there before are not checked; `verify` reports them.
 * https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
 */
export class ListenerAdmission extends pulumi.ComponentResource {
  constructor(name: string, args: ListenerAdmissionArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:ListenerAdmission", name, {}, opts);
    const { config, gateway } = args;
    const metadata = { name: admissionName(gateway), labels: partOf(gateway) };
    const policy = new ValidatingAdmissionPolicy(
      name,
      { metadata, spec: admissionSpec(config, gateway) },
      { parent: this },
    );
    new ValidatingAdmissionPolicyBinding(
      name,
      { metadata, spec: { policyName: metadata.name, validationActions: ["Deny"] } },
      { parent: this, dependsOn: policy },
    );
    this.registerOutputs();
  }
}

/** Unique in the cluster: neither part has a dot. */
export function admissionName({ name, namespace }: GatewayRef): string {
  return `listeners.${name}.${namespace}`;
}

export function admissionSpec(
  config: AllowedListeners,
  { name, namespace }: GatewayRef,
): types.input.admissionregistration.v1.ValidatingAdmissionPolicySpec {
  const parentNamespace = "object.spec.parentRef.?namespace.orValue(object.metadata.namespace)";
  const hosts = Object.fromEntries(config.map((entry) => [entry.namespace, entry.hosts]));
  return {
    failurePolicy: "Fail",
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: ["gateway.networking.k8s.io"],
          apiVersions: ["*"],
          operations: ["CREATE", "UPDATE"],
          resources: ["listenersets"],
        },
      ],
    },
    matchConditions: [
      {
        name: "of-this-gateway",
        expression: `object.spec.parentRef.name == ${quoted(name)} && ${parentNamespace} == ${quoted(namespace)}`,
      },
    ],
    variables: [
      { name: "all", expression: JSON.stringify(hosts) },
      { name: "hosts", expression: "variables.all[?object.metadata.namespace].orValue([])" },
    ],
    validations: [
      {
        expression: `object.spec.listeners.all(listener, ${HAS_HOST})`,
        messageExpression: `"each listener needs a hostname of " + (variables.hosts.size() == 0 ? "its namespace, which has none" : variables.hosts.join(", ")) + ${quoted(`: gateway.allowedListeners of the Gateway ${namespace}/${name} says so`)}`,
      },
      {
        expression: `object.spec.listeners.all(listener, listener.port == ${HTTPS_PORT} && listener.protocol in ["HTTPS", "TLS"])`,
        message: `each listener needs port ${HTTPS_PORT}, and HTTPS or TLS: others are the platform's`,
      },
    ],
  };
}

/** A wildcard covers all names below it, as in the Gateway API. */
const HAS_HOST =
  'variables.hosts.exists(host, listener.?hostname.orValue("") == host || (host.startsWith("*.") && listener.?hostname.orValue("").endsWith(host.substring(1))))';

/** As CEL's text. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
