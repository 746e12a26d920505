import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError, readClientConfig, readConfig } from './config.ts';

test('without variables everything has a sensible value', () => {
  expect(readConfig({})).toEqual({
    mode: 'development',
    warnings: [],
    port: 4000,
    host: undefined,
    publicUrl: null,
    bridges: [],
    database: { dataDir: '.olympus' },
    files: {
      dir: '.olympus/files',
      s3: null,
      imageMaxBytes: 20_971_520,
      imageMaxPixels: 50_000_000,
      quotaBytes: 10_737_418_240,
      linkSeconds: 3600,
    },
    redis: null,
    auth: {
      registration: 'open',
      issuer: 'olympus',
      accessTokenSeconds: 900,
      refreshTokenDays: 30,
      requireVerifiedEmail: false,
      failuresPerAddress: 100,
      passwordKib: 19_456,
    },
    mail: {
      smtp: null,
      links: {
        resetPassword: 'http://localhost:4000/reset-password#token={token}',
        verifyEmail: 'http://localhost:4000/verify-email#token={token}',
      },
    },
    keys: { configured: null, rotationDays: 90, jwksCacheSeconds: 300 },
    externalIssuers: [],
    signInProviders: [],
    allowedOrigins: [],
    trustedProxies: [],
    addressRulesFile: null,
    rateLimits: {
      read: { limit: 200, windowSeconds: 1 },
      write: { limit: 100, windowSeconds: 1 },
      signIn: { limit: 10, windowSeconds: 60 },
      stream: { limit: 60, windowSeconds: 60 },
      address: { limit: 2000, windowSeconds: 1 },
      tenant: { limit: 2000, windowSeconds: 1 },
    },
    connections: { max: 20_000, perAddress: 15_000 },
    logLevel: 'info',
    deadlineMs: 30_000,
    maxInFlight: 5000,
    streams: { perSocket: 128, perUser: 512, perTenant: 20_000 },
    auditDays: 400,
    eventRetention: { hours: 168, maxBytes: 20 * 2 ** 30 },
    drainSeconds: 15,
    adminPassword: null,
    webhooks: { allowLoopback: false },
    payments: { provider: 'simulated', fault: null, callMs: 10_000, authorizeMs: 900_000, holdMs: 604_800_000 },
    demo: { seed: true, password: null },
  });
});

test('variables are read, and an empty one counts as none', () => {
  const config = readConfig({
    PORT: '0',
    HOST: '',
    DATABASE_URL: 'postgres://u:p@db:5432/olympus',
    DATABASE_POOL_SIZE: '25',
    REDIS_URL: 'redis://cache:6379',
    REDIS_PREFIX: 'mine:',
    OLYMPUS_PUBLIC_URL: 'https://api.example.com/',
    OLYMPUS_ALLOWED_ORIGINS: 'https://a.example, http://localhost:5173',
    OLYMPUS_TRUSTED_PROXIES: '10.0.0.0/8, ::1',
    OLYMPUS_REGISTRATION: 'closed',
    RATE_LIMITS: 'read=5/1, signIn=off',
    UNKNOWN: 'ignored',
  });
  expect(config).toMatchObject({
    port: 0,
    host: undefined,
    publicUrl: 'https://api.example.com',
    database: { url: 'postgres://u:p@db:5432/olympus', dataDir: '.olympus', poolSize: 25 },
    redis: { url: 'redis://cache:6379', cluster: false, keyPrefix: 'mine:' },
    auth: { registration: 'closed', issuer: 'https://api.example.com' },
    allowedOrigins: ['https://a.example', 'http://localhost:5173'],
    trustedProxies: ['10.0.0.0/8', '::1'],
    rateLimits: { read: { limit: 5, windowSeconds: 1 }, write: { limit: 100, windowSeconds: 1 } },
    demo: { seed: false },
  });
  expect(readConfig({ REDIS_URL: 'redis://a:1, redis://b:2' }).redis).toMatchObject({
    url: 'redis://a:1,redis://b:2',
    cluster: true,
  });
  expect(readConfig({ REDIS_URL: 'redis://a', REDIS_CLUSTER: 'on' }).redis).toMatchObject({ cluster: true });
  expect(config.rateLimits.signIn.limit).toBeGreaterThan(1e6);
  expect(readConfig({ DATABASE_URL: 'postgres://db/olympus', OLYMPUS_SEED_DEMO: 'on' }).demo.seed).toBe(true);
  expect(readConfig({ RATE_LIMITS: 'off' }).rateLimits.stream.limit).toBeGreaterThan(1e6);
});

test('mail needs a sender, and its links lead to the front end', () => {
  const smtp = { SMTP_URL: 'smtps://u:p@mail.example:465', MAIL_FROM: 'Olympus <no-reply@example.com>' };
  const paths = { OLYMPUS_RESET_PASSWORD_PATH: '/new?t={token}' };
  expect(readConfig({ ...smtp, ...paths, OLYMPUS_APP_URL: 'https://app.example/' }).mail).toEqual({
    smtp: { url: smtp.SMTP_URL, from: smtp.MAIL_FROM },
    links: {
      resetPassword: 'https://app.example/new?t={token}',
      verifyEmail: 'https://app.example/verify-email#token={token}',
    },
  });
  const { links } = readConfig({ OLYMPUS_PUBLIC_URL: 'https://api.example' }).mail;
  expect(links.verifyEmail).toMatch(/^https:\/\/api\.example\//);
  expect(() => readConfig({ SMTP_URL: smtp.SMTP_URL })).toThrow(/MAIL_FROM must be set where SMTP_URL is/);
  for (const MAIL_FROM of ['nobody', 'a@b.example\nBcc: c@d.example', 'A <a@b.example>, c@d.example'])
    expect(() => readConfig({ ...smtp, MAIL_FROM })).toThrow(/MAIL_FROM must be an address/);
});

test('all faults are told at once, by the names of their variables and without their values', () => {
  const faulty = {
    PORT: '70000',
    DATABASE_URL: 'mysql://user:canary@db/olympus',
    OLYMPUS_ALLOWED_ORIGINS: 'https://a.example/path',
    OLYMPUS_TRUSTED_PROXIES: '10.0.0.0/33',
    OLYMPUS_REGISTRATION: 'maybe',
    OLYMPUS_DEMO_PASSWORD: 'canary',
    OLYMPUS_DEADLINE_MS: '1e9',
    SMTP_URL: 'https://mail.example/canary',
    OLYMPUS_VERIFY_EMAIL_PATH: '/verify',
    RATE_LIMITS: 'reads=5/1',
  };
  let message = '';
  try {
    readConfig(faulty);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    message = (error as Error).message;
  }
  const [title, ...lines] = message.split('\n');
  expect(title).toBe('The configuration is not valid:');
  expect(lines.map((line) => line.trim().split(' ')[0])).toEqual(expect.arrayContaining(Object.keys(faulty)));
  expect(lines).toHaveLength(Object.keys(faulty).length);
  expect(message).toContain('PORT must be a whole number from 0 to 65535');
  expect(message).toContain('OLYMPUS_REGISTRATION must be one of open, closed');
  expect(message).not.toContain('canary');
});

describe('a variable from a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'olympus-config-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  test('is its text without the line ending', () => {
    const config = readConfig({
      DATABASE_URL_FILE: file('url', 'postgres://u:a%20long%20secret@db/olympus\n'),
      OLYMPUS_DEMO_PASSWORD_FILE: file('demo', 'a long password'),
      SMTP_URL_FILE: file('smtp', 'smtps://u:p@mail.example\n'),
      MAIL_FROM: 'no-reply@example.com',
    });
    expect(config.mail.smtp?.url).toBe('smtps://u:p@mail.example');
    expect(config.database.url).toBe('postgres://u:a%20long%20secret@db/olympus');
    expect(config.demo.password).toBe('a long password');
  });

  test('has faults of its own, which are told with the others', () => {
    expect(() =>
      readConfig({
        PORT: 'x',
        DATABASE_URL_FILE: join(folder, 'none'),
        REDIS_URL: 'redis://here',
        REDIS_URL_FILE: file('redis', 'redis://there'),
        OLYMPUS_DEMO_PASSWORD_FILE: file('empty', '\n'),
      }),
    ).toThrow(
      [
        'The configuration is not valid:',
        '  DATABASE_URL_FILE names a file that cannot be read (ENOENT)',
        '  REDIS_URL_FILE must not be set beside REDIS_URL',
        '  OLYMPUS_DEMO_PASSWORD_FILE names a file that is empty',
        '  PORT must be a whole number from 0 to 65535',
      ].join('\n'),
    );
  });
});

describe('production', () => {
  const fit = {
    OLYMPUS_MODE: 'production',
    OLYMPUS_PUBLIC_URL: 'https://api.example.com',
    OLYMPUS_TRUSTED_PROXIES: '10.0.0.0/8',
    OLYMPUS_REGISTRATION: 'closed',
    DATABASE_URL: 'postgres://olympus:kd83-hdn2-93jd@db/olympus',
    REDIS_URL: 'redis://:8dj3-93nd-lw01@cache',
  };
  const mail = { SMTP_URL: 'smtps://shop:kd83-hdn2-93jd@mail.example.com', MAIL_FROM: 'shop@example.com' };
  const bucket = {
    S3_ENDPOINT: 'https://s3.example.com',
    S3_BUCKET: 'shops',
    S3_ACCESS_KEY_ID: 'shop',
    S3_SECRET_ACCESS_KEY: 'kd83-hdn2-93jd',
  };
  const refusal = (env: Record<string, string>): string => {
    try {
      readConfig(env);
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };

  test('starts with what is fit for it, and tells all that is not at once', () => {
    expect(readConfig(fit)).toMatchObject({ mode: 'production', warnings: [], payments: { provider: 'none' } });
    const verified = { OLYMPUS_REGISTRATION: 'open', OLYMPUS_REQUIRE_VERIFIED_EMAIL: 'on' };
    for (const SMTP_URL of [mail.SMTP_URL, 'smtp://relay.example.com?requireTLS=true', 'smtp://localhost:25'])
      expect(readConfig({ ...fit, ...mail, ...verified, SMTP_URL }).warnings).toEqual([]);
    const message = refusal({ OLYMPUS_MODE: 'production', RATE_LIMITS: 'off', OLYMPUS_ACCESS_TOKEN_SECONDS: '86400' });
    const [title, ...lines] = message.split('\n');
    expect(title).toBe('The configuration is not fit for production:');
    expect(lines.map((line) => line.trim().split(' ')[0])).toEqual([
      'OLYMPUS_PUBLIC_URL',
      'OLYMPUS_TRUSTED_PROXIES',
      'RATE_LIMITS',
      'OLYMPUS_SEED_DEMO',
      'OLYMPUS_REGISTRATION',
      'OLYMPUS_ACCESS_TOKEN_SECONDS',
    ]);
  });

  test.each([
    ['no TLS', { OLYMPUS_PUBLIC_URL: 'http://api.example.com' }, 'OLYMPUS_PUBLIC_URL'],
    ['a proxy that is everybody', { OLYMPUS_TRUSTED_PROXIES: '::/0' }, 'OLYMPUS_TRUSTED_PROXIES'],
    ['any page', { OLYMPUS_ALLOWED_ORIGINS: '*' }, 'OLYMPUS_ALLOWED_ORIGINS'],
    ['pages by http', { OLYMPUS_ALLOWED_ORIGINS: 'http://shop.example.com' }, 'OLYMPUS_ALLOWED_ORIGINS'],
    ['a cheap hash', { OLYMPUS_PASSWORD_KIB: '19455' }, 'OLYMPUS_PASSWORD_KIB'],
    ['a demo', { OLYMPUS_SEED_DEMO: 'on' }, 'OLYMPUS_SEED_DEMO'],
    ['payments that nobody makes', { PAYMENT_PROVIDER: 'simulated' }, 'PAYMENT_PROVIDER'],
    ['webhooks to this machine', { OLYMPUS_WEBHOOKS_LOOPBACK: 'on' }, 'OLYMPUS_WEBHOOKS_LOOPBACK'],
    ['strangers', { OLYMPUS_REGISTRATION: 'open' }, 'OLYMPUS_REGISTRATION'],
    ['unlimited attempts', { RATE_LIMITS: 'signIn=off' }, 'RATE_LIMITS'],
    ['a known password', { DATABASE_URL: 'postgres://app:postgres@db/olympus' }, 'DATABASE_URL'],
    ['the name as the password', { DATABASE_URL: 'postgres://olympusapp:olympusapp@db/olympus' }, 'DATABASE_URL'],
    ['no password', { REDIS_URL: 'redis://cache' }, 'REDIS_URL'],
    ['no password at one server', { REDIS_URL: `${fit.REDIS_URL},redis://cache` }, 'REDIS_URL'],
    ['mails that can be read on their way', { ...mail, SMTP_URL: 'smtp://mail.example.com' }, 'SMTP_URL'],
    ['a known password of mails', { ...mail, SMTP_URL: 'smtps://shop:changeme@mail.example.com' }, 'SMTP_URL'],
    ['files that can be read on their way', { ...bucket, S3_ENDPOINT: 'http://s3.example.com' }, 'S3_ENDPOINT'],
    ['a known key of files', { ...bucket, S3_SECRET_ACCESS_KEY: 'changeme' }, 'S3_SECRET_ACCESS_KEY'],
    ['links in mails by http', { OLYMPUS_APP_URL: 'http://shop.example.com' }, 'OLYMPUS_APP_URL'],
    ['unverified strangers', { ...mail, OLYMPUS_REGISTRATION: 'open' }, 'OLYMPUS_REGISTRATION'],
  ] as [string, Record<string, string>, string][])('is refused with %s', (_, change, name) => {
    const message = refusal({ ...fit, ...change });
    expect(message.split('\n')).toHaveLength(2);
    expect(message).toContain(`  ${name} must`);
    // Names and advice, and nothing of the value.
    expect(message).not.toMatch(/:\/\/\w+:|@db|@cache/);
  });

  test('is warned of where neither mode is named and the database is the operator’s', () => {
    const { OLYMPUS_MODE: _, ...unnamed } = fit;
    expect(readConfig({ ...unnamed, PAYMENT_PROVIDER: 'none', OLYMPUS_REGISTRATION: 'open' }).warnings).toEqual([
      expect.stringContaining('OLYMPUS_REGISTRATION'),
    ]);
    expect(readConfig({ ...unnamed, OLYMPUS_MODE: 'development', OLYMPUS_REGISTRATION: 'open' }).warnings).toEqual([]);
    expect(readConfig({}).warnings).toEqual([]);
  });
});

test('signing keys come as a document or as a file, and every fault of them is named', async () => {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), d: 'C'.repeat(43) };
  const folder = await mkdtemp(join(tmpdir(), 'olympus-config-'));
  const file = join(folder, 'keys.json');
  await writeFile(file, JSON.stringify({ keys: [jwk] }));
  expect(readConfig({ OLYMPUS_SIGNING_KEYS_FILE: file }).keys.configured).toEqual({ set: { keys: [jwk] }, file });
  const faults = (env: Record<string, string>) => {
    try {
      readConfig(env);
    } catch (error) {
      return (error as Error).message.split('\n').slice(1);
    }
    return [];
  };
  const broken = { keys: [{ ...jwk, d: undefined }, { ...jwk, x: 'canary' }, { kty: 'RSA' }] };
  const told = faults({ OLYMPUS_SIGNING_KEYS: JSON.stringify(broken), OLYMPUS_KEY_ROTATION_DAYS: 'often' });
  expect(told).toEqual(
    expect.arrayContaining([
      '  OLYMPUS_SIGNING_KEYS.keys.1.x must be 32 bytes in base64url',
      '  OLYMPUS_SIGNING_KEYS.keys.2.kty must be an Ed25519 key (OKP) or a P-256 key (EC)',
      '  OLYMPUS_KEY_ROTATION_DAYS must be a whole number from 0 to 3650',
    ]),
  );
  expect(told.join()).not.toContain('canary');
  expect(faults({ OLYMPUS_SIGNING_KEYS: JSON.stringify({ keys: [{ ...jwk, d: undefined }] }) })).toEqual([
    '  OLYMPUS_SIGNING_KEYS.keys.0.d must be there: the first key signs',
  ]);
  expect(faults({ OLYMPUS_SIGNING_KEYS: 'x' })).toEqual(['  OLYMPUS_SIGNING_KEYS must be JSON']);
  expect(faults({ OLYMPUS_SIGNING_KEYS_FILE: join(folder, 'none') })).toEqual([
    '  OLYMPUS_SIGNING_KEYS_FILE names a file that cannot be read (ENOENT)',
  ]);
  await rm(folder, { recursive: true });
});

test('every fault of what is said of other issuers and providers is named', () => {
  const faults = (env: Record<string, unknown>) => {
    try {
      readConfig(Object.fromEntries(Object.entries(env).map(([name, value]) => [name, JSON.stringify(value)])));
    } catch (error) {
      return (error as Error).message.split('\n').slice(1);
    }
    return [];
  };
  const issuer = {
    issuer: 'https://auth.example',
    jwks: 'https://auth.example/jwks',
    audience: 'us',
    algorithms: ['RS256'],
  };
  const provider = { id: 'id', name: 'N', issuer: 'https://id.example', clientId: 'c', redirectUris: ['shop:/back'] };
  expect(
    faults({
      OLYMPUS_EXTERNAL_ISSUERS: [
        { ...issuer, algorithms: ['HS256'], jwks: 'http://auth.example/jwks' },
        { issuer: 'x', audiences: 'us' },
        { ...issuer, issuer: 'y', introspection: { url: 'ftp://x' }, roles: { boss: 'emperor' } },
      ],
      OLYMPUS_SIGN_IN_PROVIDERS: [
        { ...provider, id: 'My Id', redirectUris: ['http://shop.example/back', 'javascript:x'] },
      ],
    }).map((fault) => fault.trim().split(' ')[0]),
  ).toEqual([
    'OLYMPUS_EXTERNAL_ISSUERS.0.algorithms.0',
    'OLYMPUS_EXTERNAL_ISSUERS.1',
    'OLYMPUS_EXTERNAL_ISSUERS.1',
    'OLYMPUS_EXTERNAL_ISSUERS.2.introspection.url',
    'OLYMPUS_EXTERNAL_ISSUERS.2.roles.boss',
    'OLYMPUS_SIGN_IN_PROVIDERS.0.id',
    'OLYMPUS_SIGN_IN_PROVIDERS.0.redirectUris.0',
    'OLYMPUS_SIGN_IN_PROVIDERS.0.redirectUris.1',
  ]);
  expect(
    faults({ OLYMPUS_EXTERNAL_ISSUERS: [{ issuer: 'x' }, { ...issuer, jwks: 'http://auth.example/jwks' }] }),
  ).toEqual([
    '  OLYMPUS_EXTERNAL_ISSUERS.0 must have either jwks or introspection',
    '  OLYMPUS_EXTERNAL_ISSUERS.1.jwks must be https, unless insecureHttp is true',
  ]);
  expect(faults({ OLYMPUS_EXTERNAL_ISSUERS: [{ ...issuer, issuer: 'olympus' }] })).toEqual([
    '  OLYMPUS_EXTERNAL_ISSUERS must not name our own issuer',
  ]);
  expect(faults({ OLYMPUS_EXTERNAL_ISSUERS: [issuer], OLYMPUS_SIGN_IN_PROVIDERS: [provider] })).toEqual([]);
});

test('a command-line client reads its own variables', () => {
  expect(readClientConfig({ OLYMPUS_URL: 'http://localhost:4000', OLYMPUS_EMAIL: '', OLYMPUS_PASSWORD: 'p' })).toEqual({
    url: 'http://localhost:4000',
    password: 'p',
  });
});

test('a bucket needs an address and credentials, each given once, in variables or in files', () => {
  const faults = (env: Record<string, string>) => {
    try {
      readConfig(env);
      return [];
    } catch (error) {
      return (error as Error).message.split('\n').slice(1);
    }
  };
  expect(
    faults({ S3_BUCKET: 'shops', S3_SECRET_ACCESS_KEY: 'a', S3_SECRET_ACCESS_KEY_FILE: import.meta.filename }),
  ).toEqual([
    '  S3_SECRET_ACCESS_KEY_FILE must not be set beside S3_SECRET_ACCESS_KEY',
    '  S3_ENDPOINT must be set, as files are to be kept in S3',
    '  S3_ACCESS_KEY_ID must be set, as files are to be kept in S3',
  ]);
  const whole = { S3_ENDPOINT: 'http://127.0.0.1:9000', S3_BUCKET: 'shops', S3_ACCESS_KEY_ID: 'a' };
  expect(faults({ ...whole, S3_SECRET_ACCESS_KEY_FILE: '/nowhere', OLYMPUS_IMAGE_MAX_BYTES: '20 MB' })).toEqual([
    '  S3_SECRET_ACCESS_KEY_FILE names a file that cannot be read (ENOENT)',
    '  OLYMPUS_IMAGE_MAX_BYTES must be a whole number from 1 to 999999999999999',
  ]);
  expect(readConfig({ ...whole, S3_SECRET_ACCESS_KEY: 'b' }).files.s3).toMatchObject({ region: 'us-east-1' });
});
