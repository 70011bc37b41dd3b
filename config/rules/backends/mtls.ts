import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** Policies that Istio would ignore, or that would apply more widely than they say. */
export function mtlsProblems({ mtls }: CheckedStack): Problem[] {
  if (mtls === undefined) {
    return [];
  }
  const { wholeMesh, rootNamespace, strictNamespaces, exceptions } = mtls;
  const problems: Problem[] = [];
  strictNamespaces.forEach((namespace, index) => {
    if (namespace === rootNamespace) {
      const expected =
        "a namespace other than Istio's root, where STRICT applies to the whole mesh: set mtls.wholeMesh: true for that";
      problems.push({ path: `mtls.strictNamespaces[${index}]`, value: namespace, expected });
    }
  });
  const names = new Map<string, number>();
  const workloads = new Map<string, number>();
  exceptions.forEach(({ name, namespace, matchLabels }, index) => {
    const at = `mtls.exceptions[${index}]`;
    if (namespace === rootNamespace) {
      const expected = "a namespace other than Istio's root, where policies for single workloads are ignored";
      problems.push({ path: `${at}.namespace`, value: namespace, expected });
    } else if (!wholeMesh && !strictNamespaces.includes(namespace)) {
      const expected = "one of mtls.strictNamespaces: elsewhere plain text is accepted anyway";
      problems.push({ path: `${at}.namespace`, value: namespace, expected });
    }
    if (strictNamespaces.includes(name) || (wholeMesh && name === rootNamespace)) {
      const expected = `a name that no strict namespace has: both policies would be the Pulumi resource ${name}`;
      problems.push({ path: `${at}.name`, value: name, expected });
    }
    const sameName = names.get(name);
    if (sameName !== undefined) {
      const expected = `a name other than that of mtls.exceptions[${sameName}]`;
      problems.push({ path: `${at}.name`, value: name, expected });
    }
    names.set(name, sameName ?? index);
    const workload = JSON.stringify([namespace, Object.entries(matchLabels).sort()]);
    const sameWorkload = workloads.get(workload);
    if (sameWorkload !== undefined) {
      const expected = `labels other than those of mtls.exceptions[${sameWorkload}]: Istio applies one policy per workload`;
      problems.push({ path: `${at}.matchLabels`, value: matchLabels, expected });
    }
    workloads.set(workload, sameWorkload ?? index);
  });
  return problems;
}
