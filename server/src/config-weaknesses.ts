import type { Config } from './config.ts';
import { leastPasswordKib } from './domains/auth/passwords.ts';

/** What everybody tries first. */
const guessed = new Set(
  'postgres password passw0rd olympus admin root user redis secret changeme change-me test demo example 123456 12345678'.split(
    ' ',
  ),
);

/**
 * What must not stand in production, each with the variable and what to set instead. Values are not told: some are
 * secrets.
 */
export function weaknessesOf(config: Config): string[] {
  return [
    ...ofEdge(config),
    ...ofSecrets(config),
    ...ofMail(config),
    ...ofStorage(config),
    ...ofAccounts(config),
    ...ofWebhooks(config),
    ...ofPayments(config),
    ...ofBridges(config),
  ];
}

function* ofEdge({ publicUrl, trustedProxies, allowedOrigins, rateLimits }: Config): Generator<string> {
  if (publicUrl?.startsWith('https:') !== true)
    yield 'OLYMPUS_PUBLIC_URL must be the https: address by which clients come; a proxy in front ends TLS';
  if (trustedProxies.length === 0)
    yield 'OLYMPUS_TRUSTED_PROXIES must name the proxy that ends TLS; without it all clients share its address';
  if (trustedProxies.some((block) => block.endsWith('/0')))
    yield 'OLYMPUS_TRUSTED_PROXIES must not name everybody: any client could then claim any address';
  if (allowedOrigins.some((origin) => origin.startsWith('http:')))
    yield 'OLYMPUS_ALLOWED_ORIGINS must be https: origins; whoever is in between can change pages that come by http:';
  const unlimited = (['signIn', 'address'] as const).filter((name) => rateLimits[name].limit === Infinity);
  if (unlimited.length > 0) yield `RATE_LIMITS must not switch off ${unlimited.join(' and ')}`;
}

/** What listens on this machine alone trusts whoever comes from it. */
function* ofWebhooks({ webhooks }: Config): Generator<string> {
  if (webhooks.allowLoopback) yield 'OLYMPUS_WEBHOOKS_LOOPBACK must be off: tenants could call what listens here';
}

function* ofPayments({ payments }: Config): Generator<string> {
  if (payments.provider === 'simulated')
    yield 'PAYMENT_PROVIDER must not be simulated: orders would be confirmed that nobody pays';
}

/** What goes to brokers is the tenants' own, and what comes from them is done. */
function* ofBridges({ bridges }: Config): Generator<string> {
  for (const bridge of bridges) {
    const at = `OLYMPUS_BRIDGES of ${bridge.name}`;
    if (bridge.broker === 'kafka') {
      if (!bridge.tls && !bridge.brokers.every((broker) => isHere(broker)))
        yield `${at} must have tls, or name brokers on this machine`;
      continue;
    }
    for (const text of bridge.broker === 'nats' ? bridge.servers : [bridge.url]) {
      const { protocol, hostname, username, password } = new URL(text);
      if (/^(?:amqp|nats):$/.test(protocol) && !isHere(hostname))
        yield `${at} must be encrypted (amqps: or tls:), or name a server on this machine`;
      if (password !== '' && (password === 'guest' || isGuessed({ username, password: decodeURIComponent(password) })))
        yield `${at} ${noGuess}`;
    }
  }
}

/** Mails carry tokens that stand for a password. */
function* ofMail({ publicUrl, mail: { smtp, links } }: Config): Generator<string> {
  // Where it is not set, links lead to the public address, which has a line of its own.
  if (links.resetPassword.startsWith('http:') && publicUrl !== null && !links.resetPassword.startsWith(publicUrl))
    yield 'OLYMPUS_APP_URL must be an https: address: links in mails carry tokens there';
  if (smtp === null) return;
  const { protocol, hostname, username, password, searchParams } = new URL(smtp.url);
  if (protocol === 'smtp:' && !isHere(hostname) && searchParams.get('requireTLS') !== 'true')
    yield 'SMTP_URL must be smtps:, or end in ?requireTLS=true; whoever is in between could read what mails carry';
  // A relay on the same network may well know its clients by their addresses.
  if (password !== '' && isGuessed({ username, password: decodeURIComponent(password) })) yield `SMTP_URL ${noGuess}`;
}

function* ofStorage({ files: { s3 } }: Config): Generator<string> {
  if (s3 === null) return;
  const { protocol, hostname } = new URL(s3.endpoint);
  if (protocol === 'http:' && !isHere(hostname)) yield 'S3_ENDPOINT must be https:, or name a server on this machine';
  if (isGuessed({ username: s3.accessKeyId, password: s3.secretAccessKey })) yield `S3_SECRET_ACCESS_KEY ${noGuess}`;
}

function* ofSecrets({ database, redis }: Config): Generator<string> {
  const urls = { DATABASE_URL: [database.url], REDIS_URL: redis?.url.split(',') };
  for (const [name, texts = []] of Object.entries(urls)) {
    const weakness = texts.map((text) => (text === undefined ? null : ofPassword(new URL(text)))).find(Boolean);
    if (weakness) yield `${name} ${weakness}`;
  }
}

function ofPassword({ hostname, username, password }: URL): string | null {
  if (password === '') return isHere(hostname) ? null : 'must hold a password, or name a server on this machine';
  return isGuessed({ username, password: decodeURIComponent(password) }) ? noGuess : null;
}

const isHere = (hostname: string): boolean => /^(?:localhost|127\.|\[::1\]|$)/.test(hostname);
const noGuess = 'must not hold a password that is known, short or the name of its user';

function isGuessed({ username, password }: { username: string; password: string }): boolean {
  const secret = password.toLowerCase();
  return guessed.has(secret) || secret === username.toLowerCase() || secret.length < 8;
}

function* ofAccounts({ demo, auth, mail }: Config): Generator<string> {
  if (demo.seed) yield 'OLYMPUS_SEED_DEMO must be off: the demo tenant is open to whoever knows its password';
  if (auth.registration === 'open' && !(mail.smtp && auth.requireVerifiedEmail))
    yield 'OLYMPUS_REGISTRATION must be closed, or SMTP_URL set and OLYMPUS_REQUIRE_VERIFIED_EMAIL on, so that addresses are verified';
  if (auth.accessTokenSeconds > 3600) yield 'OLYMPUS_ACCESS_TOKEN_SECONDS must be at most 3600';
  if (auth.passwordKib < leastPasswordKib)
    yield `OLYMPUS_PASSWORD_KIB must be at least ${leastPasswordKib}: stolen hashes would be guessed sooner`;
}
