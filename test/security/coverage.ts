/** Where an attack of the catalogue is made: a test file, and the names of tests in it where not all of it is meant. */
export interface Covered {
  readonly attack: string;
  readonly by: readonly (readonly [file: string, ...tests: string[]])[];
}
/** Attacks on what does not exist yet, or whose tests come with the part they belong to. */
export interface Pending {
  readonly attack: string;
  readonly why: string;
  /** Where its tests will be; once the file is there, the attack belongs in `covered`. */
  readonly file: string;
}

/** Every attack that Olympus must withstand, with the tests that make it. `coverage.test.ts` holds the list to what exists. */
export const covered: readonly Covered[] = [
  {
    attack: 'ids, cursors and events of another tenant',
    by: [
      ['test/security/other-tenants.test.ts'],
      ['server/src/events/follow.test.ts', 'keeps topics, tenants and filters apart'],
    ],
  },
  {
    attack: 'a repository without its tenant, raw SQL, a connection left by another tenant',
    by: [
      ['test/security/row-level-security.test.ts'],
      ['drizzle/src/resilience.test.ts', 'keeps 10,000 interleaved calls of two tenants apart on one connection'],
      ['drizzle/src/queries.test.ts', 'shows nothing without a tenant', 'refuses rows of another tenant'],
    ],
  },
  {
    attack: 'forged, expired and foreign tokens',
    by: [['test/security/bad-tokens.test.ts'], ['server/src/domains/auth/tokens.test.ts']],
  },
  {
    attack: 'a refresh token used again',
    by: [['server/src/domains/auth/auth.test.ts']],
  },
  {
    attack: 'a session that has ended, used on open sockets and streams',
    by: [
      ['server/src/transports/ws-bounds.test.ts', 'whose session ends close it'],
      ['server/src/domains/users/users.test.ts', 'deactivation ends the sessions and the right to sign in'],
    ],
  },
  { attack: 'a role that calls what it may not', by: [['test/security/permissions.test.ts']] },
  {
    attack: 'fields that no contract names, prototypes, answers that say too much',
    by: [
      ['test/security/mass-assignment.test.ts'],
      ['server/src/domains/users/users.test.ts', 'never shows a password’s hash'],
    ],
  },
  {
    attack: 'requests that are too large, too deep or too many',
    by: [['test/security/hostile-sizes.test.ts', 'a request that is too much', 'pages']],
  },
  {
    attack: 'superjson that is not meant well',
    by: [
      ['test/security/hostile-sizes.test.ts', 'superjson that is not meant well'],
      ['server/src/transports/wire-input.test.ts'],
    ],
  },
  {
    attack: 'sockets: malformed frames, foreign origins, no credential, floods, fragments, readers that never read',
    by: [
      [
        'server/src/transports/ws-bounds.test.ts',
        'survives sockets that break at every moment',
        'must come in time',
        'is closed for 20,000 calls in a message',
        'is closed for malformed message after malformed message',
        'is closed for a message in thousands of fragments',
        'is closed for a message of 300 KB',
        'is closed for a frame that breaks the protocol, and nobody else is harmed',
        'has 128 subscriptions at most',
        'keeps nothing of 2,000 subscriptions that were stopped',
        'pulls nothing for a reader that is slow, and lets it go when it has stopped',
        'is closed when its answers are not read',
      ],
    ],
  },
  {
    attack: 'an idempotency key at once, with another body, of another tenant or user, after a crash',
    by: [
      ['test/security/idempotency.test.ts'],
      ['test/resilience/crash.test.ts', 'leaves one order, however often the call is repeated with its key'],
      ['server/src/transports/rest-idempotency.test.ts'],
    ],
  },
  {
    attack: 'a kept answer of another tenant or user',
    by: [['test/security/caches.test.ts'], ['server/src/platform/query-cache.test.ts']],
  },
  {
    attack: 'cells that spreadsheets run',
    by: [['test/security/cells.test.ts'], ['server/src/transports/csv.test.ts']],
  },
  { attack: 'SQL in sorts, searches, cursors, ids and every other text', by: [['test/security/sql-in-texts.test.ts']] },
  { attack: 'patterns that take longer than their text', by: [['test/security/patterns.test.ts']] },
  {
    attack: 'lines forged in the log, and secrets in it',
    by: [['test/security/secrets-in-logs.test.ts'], ['server/src/platform/logger.test.ts']],
  },
  { attack: 'errors that tell of the inside', by: [['test/security/error-texts.test.ts']] },
  {
    attack: 'a database or Redis that stops, dies or hangs',
    by: [
      ['test/security/lost-services.test.ts'],
      [
        'drizzle/src/resilience.test.ts',
        'is reported within 500 ms while it is away, and used again within 5 s',
        'fails calls in time while it hangs, and is used again afterwards',
        'says busy within 500 ms when the pool is held',
      ],
      [
        'server/src/events/resilience.test.ts',
        'lose nothing when Redis is flushed and every connection to it is killed again and again',
        'go on when every connection to the database is killed',
      ],
      ['server/src/platform/redis.test.ts'],
      ['test/resilience/crash.test.ts', 'comes back with every acknowledged write, and its tokens still hold'],
    ],
  },
  { attack: 'libraries with known holes', by: [['test/security/dependency-floors.test.ts']] },
];

/** Told by the suite at every run, so that nobody takes them for covered. */
export const pending: readonly Pending[] = [
  {
    attack: 'password spraying and guessing of users',
    why: 'comes with the throttling of sign-ins',
    file: 'test/security/sign-in.test.ts',
  },
  {
    attack: 'a key or a role that was taken away, on every replica within a second',
    why: 'comes with API keys',
    file: 'test/security/revocation.test.ts',
  },
  {
    attack: 'pages of other sites',
    why: 'comes with the rules of the edge for origins and fetch metadata',
    file: 'test/security/cross-site.test.ts',
  },
  {
    attack: 'headers, bodies and readers that are slow',
    why: 'comes with the deadlines of the edge; `test:attack` measures them',
    file: 'test/security/slow-clients.test.ts',
  },
  {
    attack: 'requests smuggled in others',
    why: 'comes with the rules of the edge for ambiguous requests',
    file: 'test/security/smuggling.test.ts',
  },
  {
    attack: 'limits met from many replicas and addresses',
    why: 'comes with the exact limits of the edge',
    file: 'test/security/rate-limits.test.ts',
  },
  {
    attack: 'uploads that are not what they say',
    why: 'comes with files',
    file: 'test/security/uploads.test.ts',
  },
  {
    attack: 'addresses that lead inside',
    why: 'there are no webhooks and upstreams yet',
    file: 'test/security/inside-addresses.test.ts',
  },
  {
    attack: 'upstreams that answer what they should not',
    why: 'there is no gateway yet',
    file: 'test/security/upstreams.test.ts',
  },
  {
    attack: 'GraphQL aliases and depth',
    why: 'there is no GraphQL yet',
    file: 'test/security/graphql.test.ts',
  },
];
