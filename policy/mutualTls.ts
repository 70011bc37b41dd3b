import { isKind, objectName, type ResourcePolicy } from "./policy";

interface PlainTextPorts {
  plainTextPorts: number[];
}

interface Mode {
  mode?: string;
}

interface PeerAuthenticationProps {
  spec?: { mtls?: Mode; portLevelMtls?: Record<string, Mode> };
}

/** UNSET inherits. */
const STRICT: readonly (string | undefined)[] = ["STRICT", "UNSET", undefined];

export const strictMutualTls: ResourcePolicy<PlainTextPorts> = {
  name: "strict-mutual-tls",
  description: "No PeerAuthentication allows plain text, except on named ports.",
  level: "mandatory",
  settings: {
    plainTextPorts: {
      type: "array",
      items: { type: "integer" },
      description: "Pod ports that may also accept plain text, such as those of metrics.",
      default: [],
    },
  },
  check: (resource, { plainTextPorts }) => {
    if (!isKind(resource, "security.istio.io", "PeerAuthentication")) {
      return [];
    }
    const { mtls, portLevelMtls = {} } = (resource.props as PeerAuthenticationProps).spec ?? {};
    const name = objectName(resource);
    return [
      ...(STRICT.includes(mtls?.mode)
        ? []
        : [`${name} is ${mtls?.mode ?? ""}: limit plain text to the ports that need it.`]),
      ...Object.entries(portLevelMtls)
        .filter(([port, { mode }]) => !STRICT.includes(mode) && !plainTextPorts.includes(Number(port)))
        .map(([port, { mode }]) => `${name} is ${mode ?? ""} on port ${port}, which is not in plainTextPorts.`),
    ];
  },
};
