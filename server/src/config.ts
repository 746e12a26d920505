import { z } from 'zod';
import { Bridges, type BridgeSettings } from './bridges/settings.ts';
import { document } from './config-documents.ts';
import { withFiles } from './config-files.ts';
import { paymentVariables, readPayments, type PaymentsConfig } from './config-payments.ts';
import { readStorage, storageFaults, storageVariables, type FilesConfig } from './config-storage.ts';
import { weaknessesOf } from './config-weaknesses.ts';
import {
  ExternalIssuers,
  SignInProviders,
  type ExternalIssuer,
  type SignInProvider,
} from './domains/auth/external/settings.ts';
import { leastPasswordKib } from './domains/auth/passwords.ts';
import { defaultLogRetention, type LogRetention } from './events/retention/retention.ts';
import { SigningKeySet, type ConfiguredKeys } from './platform/configured-keys.ts';
import {
  isBlock,
  isOrigin,
  linkPath,
  httpUrl,
  list,
  mailbox,
  oneOf,
  password,
  rateLimits,
  url,
  urls,
  whole,
} from './config-values.ts';
import { rateLimitsOf, type RateLimits } from './platform/rate-limiter.ts';

/** Everything an operator may set, read once and passed on. */
export interface Config {
  /** `production` refuses to start with what must not stand there. */
  readonly mode: 'production' | 'development';
  /** What production would refuse, where neither mode was named and there is a database of the operator's own. */
  readonly warnings: readonly string[];
  /** 0: any free port. */
  readonly port: number;
  /** undefined: every address of the machine. */
  readonly host: string | undefined;
  /** Where clients reach the installation; null when the operator did not say. */
  readonly publicUrl: string | null;
  /** PostgreSQL where `url` is set; otherwise the embedded database in `dataDir`. */
  readonly database: { readonly url?: string; readonly dataDir: string; readonly poolSize?: number };
  readonly files: FilesConfig;
  /** One server, or some of a cluster's, separated by commas. */
  readonly redis: { readonly url: string; readonly cluster: boolean; readonly keyPrefix: string } | null;
  readonly auth: {
    readonly registration: 'open' | 'closed';
    /** `iss` of access tokens; the same for all replicas, whatever port they listen on. */
    readonly issuer: string;
    readonly accessTokenSeconds: number;
    readonly refreshTokenDays: number;
    /** Whether an address must be shown to be the user's before they may sign in. */
    readonly requireVerifiedEmail: boolean;
    /** Failed sign-ins of one network in an hour, before it has to wait. */
    readonly failuresPerAddress: number;
    /** Memory of a password's hash. */
    readonly passwordKib: number;
  };
  readonly mail: {
    /** null: mails are not sent. */
    readonly smtp: { readonly url: string; readonly from: string } | null;
    /** Pages of the front end that mails lead to, with `{token}` for the token. */
    readonly links: { readonly resetPassword: string; readonly verifyEmail: string };
  };
  readonly keys: {
    /** The operator's own signing keys; null for those in the database. */
    readonly configured: ConfiguredKeys | null;
    /** Days after which a key of the database is replaced; 0: only when told. */
    readonly rotationDays: number;
    /** For which others may keep the published keys. */
    readonly jwksCacheSeconds: number;
  };
  /** Others whose tokens are accepted. */
  readonly externalIssuers: readonly ExternalIssuer[];
  /** Where people may sign in beside by password. */
  readonly signInProviders: readonly SignInProvider[];
  /** Origins whose pages may call from a browser. */
  readonly allowedOrigins: readonly string[];
  /** Addresses and CIDR blocks whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** Lists of addresses that may call, and that may not; null: all may. */
  readonly addressRulesFile: string | null;
  readonly rateLimits: RateLimits;
  readonly logLevel: string;
  /** Connections at once, and of them those of one address. */
  readonly connections: { readonly max: number; readonly perAddress: number };
  readonly deadlineMs: number;
  /** Calls at once in this process. */
  readonly maxInFlight: number;
  /** Streams that may be open at once in this process: of one socket, one user, one tenant. */
  readonly streams: { readonly perSocket: number; readonly perUser: number; readonly perTenant: number };
  /** How much of the log of events is kept. */
  readonly eventRetention: LogRetention;
  /** Days that entries of the audit log are kept. */
  readonly auditDays: number;
  /** How long a stop waits for what is running. */
  readonly drainSeconds: number;
  /** Of the platform's user that `olympus admin create` makes; null: made up. */
  readonly adminPassword: string | null;
  /** Whether webhooks may be sent to this machine, for development. */
  readonly webhooks: { readonly allowLoopback: boolean };
  readonly payments: PaymentsConfig;
  /** Brokers that events go to and commands come from. */
  readonly bridges: readonly BridgeSettings[];
  readonly demo: { readonly seed: boolean; readonly password: string | null };
}

/** Names every variable that is wrong, and what was expected of it. Values are not shown: some are secrets. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** So that nobody can take every connection. */
const shareOfOneAddress = 0.75;

const variables = z
  .object({
    OLYMPUS_MODE: oneOf('production', 'development').optional(),
    PORT: whole(0, 65_535).default(4000),
    HOST: z.string().optional(),
    OLYMPUS_PUBLIC_URL: httpUrl.transform((text) => text.replace(/\/+$/, '')).optional(),
    OLYMPUS_DATA_DIR: z.string().default('.olympus'),
    DATABASE_URL: url('postgres://user:password@host:5432/name', 'postgres:', 'postgresql:').optional(),
    DATABASE_POOL_SIZE: whole(1, 1000).optional(),
    ...storageVariables({ whole, httpUrl }),
    REDIS_URL: urls('redis://host:6379, or several of a cluster, separated by commas', 'redis:', 'rediss:').optional(),
    REDIS_CLUSTER: oneOf('on', 'off').default('off'),
    REDIS_PREFIX: z.string().default('olympus:'),
    OLYMPUS_REGISTRATION: oneOf('open', 'closed').default('open'),
    OLYMPUS_ACCESS_TOKEN_SECONDS: whole(1, 86_400).default(900),
    OLYMPUS_REFRESH_TOKEN_DAYS: whole(1, 3650).default(30),
    OLYMPUS_SIGNING_KEYS: document(SigningKeySet).optional(),
    OLYMPUS_KEY_ROTATION_DAYS: whole(0, 3650).default(90),
    OLYMPUS_JWKS_CACHE_SECONDS: whole(0, 86_400).default(300),
    OLYMPUS_EXTERNAL_ISSUERS: document(ExternalIssuers).default([]),
    OLYMPUS_SIGN_IN_PROVIDERS: document(SignInProviders).default([]),
    OLYMPUS_REQUIRE_VERIFIED_EMAIL: oneOf('on', 'off').default('off'),
    OLYMPUS_SIGN_IN_FAILURES: whole(1, 1_000_000).default(100),
    OLYMPUS_PASSWORD_KIB: whole(8, 4_194_304).default(leastPasswordKib),
    SMTP_URL: url('smtps://user:password@mail.example.com', 'smtp:', 'smtps:').optional(),
    MAIL_FROM: mailbox.optional(),
    OLYMPUS_APP_URL: httpUrl.transform((text) => text.replace(/\/+$/, '')).optional(),
    OLYMPUS_RESET_PASSWORD_PATH: linkPath.default('/reset-password#token={token}'),
    OLYMPUS_VERIFY_EMAIL_PATH: linkPath.default('/verify-email#token={token}'),
    OLYMPUS_ALLOWED_ORIGINS: list('origins such as https://shop.example.com', isOrigin).default([]),
    OLYMPUS_TRUSTED_PROXIES: list('addresses or blocks such as 10.0.0.0/8', isBlock).default([]),
    OLYMPUS_ADDRESS_RULES_FILE: z.string().optional(),
    RATE_LIMITS: rateLimits.default(rateLimitsOf()),
    LOG_LEVEL: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent').default('info'),
    OLYMPUS_MAX_CONNECTIONS: whole(1, 1_000_000).default(20_000),
    OLYMPUS_MAX_CONNECTIONS_PER_ADDRESS: whole(1, 1_000_000).optional(),
    OLYMPUS_DEADLINE_MS: whole(100, 3_600_000).default(30_000),
    OLYMPUS_MAX_IN_FLIGHT: whole(1, 1_000_000).default(5000),
    OLYMPUS_MAX_STREAMS_PER_SOCKET: whole(1, 10_000).default(128),
    OLYMPUS_MAX_STREAMS_PER_USER: whole(1, 1_000_000).default(512),
    OLYMPUS_MAX_STREAMS_PER_TENANT: whole(1, 1_000_000).default(20_000),
    OLYMPUS_EVENT_HOURS: whole(1, 8760).default(defaultLogRetention.hours),
    OLYMPUS_EVENT_MAX_BYTES: whole(2 ** 24, 2 ** 49).default(defaultLogRetention.maxBytes),
    OLYMPUS_AUDIT_DAYS: whole(1, 36_500).default(400),
    OLYMPUS_DRAIN_SECONDS: whole(0, 3600).default(15),
    ...paymentVariables({ whole, oneOf }),
    OLYMPUS_WEBHOOKS_LOOPBACK: oneOf('on', 'off').default('off'),
    OLYMPUS_BRIDGES: document(Bridges).default([]),
    OLYMPUS_SEED_DEMO: oneOf('on', 'off').optional(),
    OLYMPUS_DEMO_PASSWORD: password.optional(),
    OLYMPUS_ADMIN_PASSWORD: password.optional(),
  })
  .refine(({ SMTP_URL, MAIL_FROM }) => SMTP_URL === undefined || MAIL_FROM !== undefined, {
    path: ['MAIL_FROM'],
    message: 'must be set where SMTP_URL is: the address that mails come from',
  });

/**
 * Reads the environment; an empty variable counts as none, and any may come from the file that `NAME_FILE` names. Throws a
 * `ConfigError` that names every fault at once.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const files = withFiles(given(env), Object.keys(variables.shape));
  const parsed = variables.safeParse(files.env);
  const faults = (parsed.error?.issues ?? []).map(({ path, message }) => `${path.join('.')} ${message}`);
  const issuers =
    parsed.data && isOwnIssuer(parsed.data) ? ['OLYMPUS_EXTERNAL_ISSUERS must not name our own issuer'] : [];
  const all = [...files.faults, ...issuers, ...faults, ...storageFaults(given(env))];
  if (!parsed.data || all.length > 0) throw faulty('The configuration is not valid', all);
  const config = configOf(parsed.data, env);
  const isNamed = parsed.data.OLYMPUS_MODE !== undefined;
  const weaknesses = isNamed && config.mode === 'development' ? [] : weaknessesOf(config);
  if (config.mode === 'production' && weaknesses.length > 0)
    throw faulty('The configuration is not fit for production', weaknesses);
  return { ...config, warnings: config.database.url === undefined ? [] : weaknesses };
}

const faulty = (title: string, faults: readonly string[]): ConfigError =>
  new ConfigError([`${title}:`, ...faults.map((fault) => `  ${fault}`)].join('\n'));

function configOf(set: z.output<typeof variables>, env: NodeJS.ProcessEnv): Config {
  const app = set.OLYMPUS_APP_URL ?? set.OLYMPUS_PUBLIC_URL ?? `http://localhost:${set.PORT}`;
  return {
    mode: set.OLYMPUS_MODE ?? 'development',
    warnings: [],
    port: set.PORT,
    host: set.HOST,
    publicUrl: set.OLYMPUS_PUBLIC_URL ?? null,
    database: {
      dataDir: set.OLYMPUS_DATA_DIR,
      ...(set.DATABASE_URL === undefined ? {} : { url: set.DATABASE_URL }),
      ...(set.DATABASE_POOL_SIZE === undefined ? {} : { poolSize: set.DATABASE_POOL_SIZE }),
    },
    files: readStorage(set, set.OLYMPUS_DATA_DIR),
    redis:
      set.REDIS_URL === undefined
        ? null
        : {
            url: set.REDIS_URL,
            cluster: set.REDIS_CLUSTER === 'on' || set.REDIS_URL.includes(','),
            keyPrefix: set.REDIS_PREFIX,
          },
    auth: {
      registration: set.OLYMPUS_REGISTRATION,
      issuer: set.OLYMPUS_PUBLIC_URL ?? ownIssuer,
      accessTokenSeconds: set.OLYMPUS_ACCESS_TOKEN_SECONDS,
      refreshTokenDays: set.OLYMPUS_REFRESH_TOKEN_DAYS,
      requireVerifiedEmail: set.OLYMPUS_REQUIRE_VERIFIED_EMAIL === 'on',
      failuresPerAddress: set.OLYMPUS_SIGN_IN_FAILURES,
      passwordKib: set.OLYMPUS_PASSWORD_KIB,
    },
    mail: {
      smtp: set.SMTP_URL && set.MAIL_FROM ? { url: set.SMTP_URL, from: set.MAIL_FROM } : null,
      links: {
        resetPassword: app + set.OLYMPUS_RESET_PASSWORD_PATH,
        verifyEmail: app + set.OLYMPUS_VERIFY_EMAIL_PATH,
      },
    },
    keys: {
      configured: set.OLYMPUS_SIGNING_KEYS
        ? { set: set.OLYMPUS_SIGNING_KEYS, file: env['OLYMPUS_SIGNING_KEYS_FILE'] ?? null }
        : null,
      rotationDays: set.OLYMPUS_KEY_ROTATION_DAYS,
      jwksCacheSeconds: set.OLYMPUS_JWKS_CACHE_SECONDS,
    },
    externalIssuers: set.OLYMPUS_EXTERNAL_ISSUERS,
    signInProviders: set.OLYMPUS_SIGN_IN_PROVIDERS,
    allowedOrigins: set.OLYMPUS_ALLOWED_ORIGINS,
    trustedProxies: set.OLYMPUS_TRUSTED_PROXIES,
    addressRulesFile: set.OLYMPUS_ADDRESS_RULES_FILE ?? null,
    rateLimits: set.RATE_LIMITS,
    logLevel: set.LOG_LEVEL,
    connections: {
      max: set.OLYMPUS_MAX_CONNECTIONS,
      perAddress: set.OLYMPUS_MAX_CONNECTIONS_PER_ADDRESS ?? Math.ceil(set.OLYMPUS_MAX_CONNECTIONS * shareOfOneAddress),
    },
    deadlineMs: set.OLYMPUS_DEADLINE_MS,
    maxInFlight: set.OLYMPUS_MAX_IN_FLIGHT,
    streams: {
      perSocket: set.OLYMPUS_MAX_STREAMS_PER_SOCKET,
      perUser: set.OLYMPUS_MAX_STREAMS_PER_USER,
      perTenant: set.OLYMPUS_MAX_STREAMS_PER_TENANT,
    },
    eventRetention: { hours: set.OLYMPUS_EVENT_HOURS, maxBytes: set.OLYMPUS_EVENT_MAX_BYTES },
    auditDays: set.OLYMPUS_AUDIT_DAYS,
    drainSeconds: set.OLYMPUS_DRAIN_SECONDS,
    adminPassword: set.OLYMPUS_ADMIN_PASSWORD ?? null,
    webhooks: { allowLoopback: set.OLYMPUS_WEBHOOKS_LOOPBACK === 'on' },
    payments: readPayments(set),
    bridges: set.OLYMPUS_BRIDGES,
    demo: {
      // A database of the operator's own gets no invented tenant unless they ask.
      seed: set.OLYMPUS_SEED_DEMO === undefined ? set.DATABASE_URL === undefined : set.OLYMPUS_SEED_DEMO === 'on',
      password: set.OLYMPUS_DEMO_PASSWORD ?? null,
    },
  };
}

const ownIssuer = 'olympus';

/** Tokens of ours would be taken for those of another. */
const isOwnIssuer = (set: z.output<typeof variables>): boolean =>
  set.OLYMPUS_EXTERNAL_ISSUERS.some(({ issuer }) => issuer === (set.OLYMPUS_PUBLIC_URL ?? ownIssuer));

/** Where a command-line client calls and as whom; options of the command come before these. */
export function readClientConfig(
  env: NodeJS.ProcessEnv = process.env,
): Partial<Record<'url' | 'email' | 'password', string>> {
  const { OLYMPUS_URL: url, OLYMPUS_EMAIL: email, OLYMPUS_PASSWORD: password } = given(env);
  return { ...(url && { url }), ...(email && { email }), ...(password && { password }) };
}

const given = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''));
