import * as pulumi from "@pulumi/pulumi";

/** Host name of both listeners: every name one label below the domain. */
export function wildcardOf(domain: pulumi.Input<string>): pulumi.Input<string> {
  return typeof domain === "string" ? `*.${domain}` : pulumi.interpolate`*.${domain}`;
}
