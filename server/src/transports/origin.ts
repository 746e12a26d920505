import type { IncomingMessage } from 'node:http';

export interface OwnOrigins {
  /** Origins of other sites whose pages may call. */
  readonly allowedOrigins: readonly string[];
  /** Where clients reach the installation, beside the host that a request names; null when the operator did not say. */
  readonly publicUrl: string | null;
}

/**
 * Whether a page of another site sends this, and of none that is allowed to. A browser tells by `Origin`, or where it
 * sends none by `Sec-Fetch-Site` (https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header); what is no browser by neither.
 */
export function foreignCheck({ allowedOrigins, publicUrl }: OwnOrigins): (request: IncomingMessage) => boolean {
  const allowed = new Set(allowedOrigins);
  if (publicUrl !== null) allowed.add(new URL(publicUrl).origin);
  return ({ headers }) => {
    const { origin, host } = headers;
    if (origin !== undefined && allowed.has(origin)) return false;
    const site = headers['sec-fetch-site'];
    if (site === 'cross-site' || site === 'same-site') return true;
    return origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host);
  };
}
