import type { Service } from "../config";

/**
 * Markdown for `pulumi stack output readme` and the Pulumi console, which fills in `${outputs.…}`.
 * https://www.pulumi.com/docs/iac/concepts/projects/stack-readme/
 */
export function stackReadme(domain: string, gateway: string, services: readonly Service[]): string {
  const rows = services.flatMap((service) =>
    service.rules.map((rule) => {
      const backends = rule.backends.map((backend) => `${backend.namespace}/${backend.service}:${backend.port}`);
      return `| https://${service.host} | ${rule.type} \`${rule.path}\` | ${backends.join(", ")} |`;
    }),
  );
  return [
    `# Gateway of ${domain}`,
    "",
    `Gateway \`${gateway}\` serves these hosts over TLS and redirects plain HTTP to them:`,
    "",
    "| host | path | backends |",
    "| --- | --- | --- |",
    ...rows,
    "",
    "Certificate ends: ${outputs.certificate.notAfter}, renewed from ${outputs.certificate.renewalTime}, SHA-256 ${outputs.certificate.fingerprintSha256}",
    "",
  ].join("\n");
}
