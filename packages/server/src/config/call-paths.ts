/** Which paths can take calls. */

/** Others would need escapes in redirects and pages. */
export const callPath = {
  form: /^\/[A-Za-z0-9._~/-]*$/,
  expected: "expected a path of letters, digits and . _ ~ / - such as /RPC2",
} as const;

/** Addresses of the server itself. */
const reserved: readonly string[] = ["/leader", "/livez", "/readyz", "/status", "/metrics"];

export const isReserved = (path: string): boolean => reserved.includes(path);
