import { KeywardError } from "../domain/result.js";

/** The variables that name a proxy, in capitals or not; see `Connections`. */
const NAMES = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"] as const;

/**
 * Refuses a proxy in the environment that is none, before any call: each of them would fail without saying why. An
 * address without a scheme (`proxy.example:3128`) is one. Throws KeywardError, which never shows the address: proxies
 * have passwords in theirs.
 */
export function checkProxies(env: Readonly<Record<string, string | undefined>>): void {
  for (const name of NAMES.flatMap((n) => [n, n.toLowerCase()])) {
    const value = env[name];
    if (value === undefined || value === "") continue;
    const url = value.includes("://") ? value : `http://${value}`;
    if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) continue;
    throw new KeywardError({
      what: "the proxy is no URL of an HTTP proxy",
      where: name,
      expected: "http://HOST:PORT or https://HOST:PORT",
      next: `set ${name} right or unset it; NO_PROXY names hosts that are reached without a proxy`,
    });
  }
}
