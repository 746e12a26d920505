import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider, type AccountClaims } from 'oidc-provider';

/** A real OpenID provider, whose login and consent pages are driven by plain HTTP. */
export interface OpenIdProvider {
  readonly issuer: string;
  readonly client: { readonly id: string; readonly secret: string };
  /** What it tells of each login. */
  readonly people: Map<string, Omit<AccountClaims, 'sub'>>;
  /** Signs a person in at an authorization address, and resolves to where they are sent back to. */
  visit(authorizationUrl: string, login: string): Promise<URL>;
  close(): Promise<void>;
}

export async function startProvider(redirectUris: string[]): Promise<OpenIdProvider> {
  const client = { id: 'olympus', secret: 'a secret of sixty-four characters or less' };
  const people = new Map<string, Omit<AccountClaims, 'sub'>>();
  let handle: ReturnType<Provider['callback']> = () => Promise.resolve();
  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: client.id, client_secret: client.secret, redirect_uris: redirectUris }],
    claims: { email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people.get(id) }) }),
    pkce: { required: () => true },
    cookies: { keys: ['a key of the test'] },
  });
  handle = provider.callback();
  return {
    issuer,
    client,
    people,
    visit,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A browser that has no cookies yet: follows redirects, fills in the login, agrees, and stops where the provider ends. */
async function visit(authorizationUrl: string, login: string): Promise<URL> {
  const start = new URL(authorizationUrl);
  const cookies = new Map<string, string>();
  let at = start;
  let form: Record<string, string> | null = null;
  for (let step = 0; step < 20; step++) {
    const response: Response = await fetch(at, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location !== null) {
      at = new URL(location, at);
      form = null;
      if (at.origin !== start.origin) return at;
      continue;
    }
    const page = await response.text();
    const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1];
    const prompt = /name="prompt" value="(login|consent)"/.exec(page)?.[1];
    if (!action || !prompt) throw new Error(`the provider answered ${response.status}: ${page.slice(0, 1000)}`);
    at = new URL(action, at);
    form = { prompt, ...(prompt === 'login' ? { login, password: 'any' } : {}) };
  }
  throw new Error('the provider goes round in circles');
}
