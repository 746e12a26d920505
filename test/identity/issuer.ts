import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';

/** An auth service of somebody else's: publishes keys, signs tokens, and says whose an opaque one is. */
export interface Issuer {
  readonly url: string;
  readonly audience: string;
  /** How often each path was asked for. */
  readonly asked: Map<string, number>;
  sign(claims: JWTPayload, header?: Record<string, unknown>): Promise<string>;
  /** What the next questions at `/me` are answered with. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  close(): Promise<void>;
}

export async function startIssuer(): Promise<Issuer> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'theirs', alg: 'RS256', use: 'sig' };
  const asked = new Map<string, number>();
  const server = createServer((request, response) => {
    const { url = '/' } = request;
    asked.set(url, (asked.get(url) ?? 0) + 1);
    if (url === '/jwks') response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
    else if (url === '/me') issuer.answer(request, response);
    else response.writeHead(500).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer: Issuer = {
    url,
    audience: 'https://api.shop.test',
    asked,
    answer: (_, response) => void response.writeHead(401).end(),
    sign: (claims, header = {}) =>
      new SignJWT({ iss: url, aud: issuer.audience, exp: Math.floor(Date.now() / 1000) + 300, ...claims })
        .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: 'theirs', ...header })
        .sign(privateKey),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return issuer;
}
