import { type Service, type StackConfig, targetName } from "../config";
import { answerInWords } from "../config/resolve/answers";
import { httpsUrl } from "../config/resolve/protocols";

/**
 * Markdown for `pulumi stack output readme` and the Pulumi console, which fills in `${outputs.…}`.
 * https://www.pulumi.com/docs/iac/concepts/projects/stack-readme/
 */
export function stackReadme(
  { domains, certificates, services, streams }: Pick<StackConfig, "domains" | "certificates" | "services" | "streams">,
  gateway: string,
): string {
  const rows = services.flatMap((service) =>
    service.rules.map((rule) => {
      const backends = answerInWords(rule) ?? rule.backends.map(targetName).join(", ");
      return `| ${urlsOf(service)} | ${rule.type} \`${rule.path}\` | ${backends} |`;
    }),
  );
  const connections = streams.map(({ protocol, listenPort, listeners, backends }) => {
    const names = listeners.map(({ hostname = "any host" }) => `${hostname}:${listenPort}`);
    const targets = backends.map(targetName);
    return `| ${names.join(", ")} | ${protocol} | ${targets.join(", ")} |`;
  });
  return [
    `# Gateway of ${domains.join(", ")}`,
    "",
    `Gateway \`${gateway}\` serves these hosts over TLS and redirects plain HTTP to them:`,
    "",
    "| host | path | backends |",
    "| --- | --- | --- |",
    ...rows,
    ...connections,
    "",
    ...certificates.map(({ dnsNames }, index) => {
      const output = (key: string) => `\${outputs.certificates[${index}].${key}}`;
      return `Certificate of ${dnsNames.join(", ")} ends: ${output("notAfter")}, renewed from ${output("renewalTime")}, SHA-256 ${output("fingerprintSha256")}`;
    }),
    "",
  ].join("\n");
}

/** All hosts of a service, and which of them redirect. */
function urlsOf({ hosts, listenPort }: Service): string {
  return hosts
    .map(({ host, redirect }) => `${httpsUrl(host, listenPort)}${redirect === undefined ? "" : ` (${redirect})`}`)
    .join(", ");
}
