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

/** UNSET takes over what holds above it. */
const STRICT: readonly (string | undefined)[] = ["STRICT", "UNSET", undefined];

export const strictMutualTls: ResourcePolicy<PlainTextPorts> = {
  name: "strict-mutual-tls",
  description: "No PeerAuthentication lets plain text in, save on ports that are named here.",
  level: "mandatory",
  settings: {
    plainTextPorts: {
      type: "array",
      items: { type: "integer" },
      description: "Ports of pods that may take plain text too, such as those of metrics.",
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
      ...(STRICT.includes(mtls?.mode) ? [] : [`${name} is ${mtls?.mode ?? ""}: name the ports that need plain text.`]),
      ...Object.entries(portLevelMtls)
        .filter(([port, { mode }]) => !STRICT.includes(mode) && !plainTextPorts.includes(Number(port)))
        .map(([port, { mode }]) => `${name} is ${mode ?? ""} on port ${port}, which is none of plainTextPorts.`),
    ];
  },
};
