/**
 * What a header's value may say of the request: `${NAME}`, and Envoy's operator for it. Only these: others could put secrets into
 * headers, and Envoy rejects all routes for one that it does not know.
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#command-operators
 */
const OPERATORS = {
  clientAddress: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
  scheme: "%REQ(X-FORWARDED-PROTO)%",
  host: "%REQ(:AUTHORITY)%",
  port: "%DOWNSTREAM_LOCAL_PORT%",
  path: "%REQ(:PATH)%",
  requestId: "%REQ(X-REQUEST-ID)%",
  tlsSubject: "%DOWNSTREAM_PEER_SUBJECT%",
} as const;

/** What ingress-nginx sets for backends. */
export const FORWARDED = {
  "x-real-ip": "${clientAddress}",
  "x-forwarded-host": "${host}",
  "x-forwarded-port": "${port}",
} as const;

/** Of a checked token: a text, a number or a list in its payload. */
const CLAIM = /^claim\.([A-Za-z0-9_-]{1,64})$/;

const VARIABLE = /\$\{([^}]*)\}/g;

const NAMES = [...Object.keys(OPERATORS), "claim.NAME"].map((name) => `\${${name}}`).join(", ");

/** The same in nginx's and Envoy's manuals. */
const ELSEWHERE: readonly (readonly [said: RegExp, name: string])[] = [
  [/\$(remote_addr|realip_remote_addr)\b|%DOWNSTREAM_(REMOTE|DIRECT_REMOTE)_ADDRESS/, "clientAddress"],
  [/\$(scheme|http_x_forwarded_proto)\b|%REQ\((X-FORWARDED-PROTO|:SCHEME)\)/i, "scheme"],
  [/\$(host|http_host|server_name|best_http_host)\b|%REQ\((:AUTHORITY|HOST)\)/i, "host"],
  [/\$(server_port|pass_server_port)\b|%DOWNSTREAM_LOCAL_PORT/, "port"],
  [/\$(request_uri|uri)\b|%REQ\((:PATH|X-ENVOY-ORIGINAL-PATH)[?)]/i, "path"],
  [/\$(request_id|req_id)\b|%REQ\(X-REQUEST-ID\)/i, "requestId"],
  [/\$(ssl_client_s_dn|ssl_client_subject_dn)\b|%DOWNSTREAM_PEER_SUBJECT/, "tlsSubject"],
];
const UNKNOWN =
  /\$(proxy_add_x_forwarded_for|args|query_string|remote_user|(http|arg|cookie|ssl|upstream)_[a-z_]+)\b|%[A-Z][A-Z0-9_]+(\([^)%]*\))?(:\d+)?%/;

/** What to write instead of a value that seems to mean a variable, or names none that there is; undefined if it is fine. */
export function variableFlaw(value: string): string | undefined {
  const known = ELSEWHERE.find(([said]) => said.test(value));
  if (known !== undefined) {
    return `\${${known[1]}} in place of it: variables of nginx and Envoy would arrive as that text`;
  }
  return UNKNOWN.test(value) || variablesOf(value).some((name) => operatorOf(name) === undefined)
    ? `a fixed text, or with the variables ${NAMES}`
    : undefined;
}

/** The names of the variables in a value. */
export function variablesOf(value: string): string[] {
  return [...value.matchAll(VARIABLE)].map(([, name = ""]) => name);
}

/**
 * A value as Envoy takes it: its own operators in place of variables, and a doubled `%` in place of one that is meant.
 * @param path The operator for `${path}`.
 */
export function envoyValue(value: string, path: string = OPERATORS.path): string {
  return value.replace(/%|\$\{([^}]*)\}/g, (found, name: string | undefined) =>
    name === undefined ? "%%" : name === "path" ? path : (operatorOf(name) ?? found),
  );
}

function operatorOf(name: string): string | undefined {
  const [, claim] = CLAIM.exec(name) ?? [];
  if (claim !== undefined) {
    return `%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:payload:${claim})%`;
  }
  return Object.hasOwn(OPERATORS, name) ? OPERATORS[name as keyof typeof OPERATORS] : undefined;
}
