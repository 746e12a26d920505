import { roles } from '@olympus/contracts';
import { z } from 'zod';

const isLoopback = ({ hostname }: URL): boolean => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
const isHttp = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
const isSafe = (text: string): boolean => !isHttp(text) || text.startsWith('https:') || isLoopback(new URL(text));

const address = z.string().refine(isHttp, 'must be an address such as https://auth.example.com');
const algorithm = z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']);
const role = z.enum(roles);
const path = z.string().min(1).max(200);
const overHttp = 'must be https, unless insecureHttp is true';

/** How to tell the user and their rights from what an issuer says: names of claims, dotted where they are nested. */
const Claims = z.strictObject({
  subject: path.default('sub'),
  email: path.default('email'),
  emailVerified: path.default('email_verified'),
  /** Absent: users of any tenant, or of `tenant`. */
  tenant: path.optional(),
  /** A role that lowers the user's own and never raises it. Absent: the user's own. */
  role: path.optional(),
  expires: path.default('exp'),
});

const Introspection = z.strictObject({
  url: address,
  cacheSeconds: z.int().min(1).max(60).default(5),
  timeoutMs: z.int().min(50).max(10_000).default(2000),
});

const ExternalIssuer = z
  .strictObject({
    /** `iss` of its tokens; a name for what answers introspection. */
    issuer: z.string().min(1).max(500),
    /** Tokens are JWTs that are signed by one of the keys there … */
    jwks: address.optional(),
    audience: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional(),
    algorithms: z.array(algorithm).min(1).optional(),
    /** `typ` of its access tokens (RFC 9068); null where it gives them none of their own. */
    type: z.string().min(1).nullable().default('at+jwt'),
    /** … or opaque, and whose they are is asked there. */
    introspection: Introspection.optional(),
    claims: Claims.prefault({}),
    /** `linked`: users who are linked with a subject already; `verifiedEmail`: links others by a verified address. */
    users: z.enum(['linked', 'verifiedEmail']).default('linked'),
    /** The only tenant whose users it may name. */
    tenant: z.uuid().optional(),
    /** What it calls tenants, by its own words; absent: by our ids. */
    tenants: z.record(z.string(), z.uuid()).optional(),
    roles: z.record(z.string(), role).optional(),
    insecureHttp: z.boolean().default(false),
  })
  .superRefine((set, context) => {
    const fault = (message: string, ...at: PropertyKey[]) => context.addIssue({ code: 'custom', path: at, message });
    if ((set.jwks === undefined) === (set.introspection === undefined)) fault('must have either jwks or introspection');
    if (set.jwks !== undefined) {
      if (set.audience === undefined) fault('must name who the tokens are for', 'audience');
      if (set.algorithms === undefined) fault(`must list some of ${algorithm.options.join(', ')}`, 'algorithms');
    }
    if (set.insecureHttp) return;
    if (set.jwks !== undefined && !isSafe(set.jwks)) fault(overHttp, 'jwks');
    if (set.introspection && !isSafe(set.introspection.url)) fault(overHttp, 'introspection', 'url');
  });
export type ExternalIssuer = z.output<typeof ExternalIssuer>;

/** `OLYMPUS_EXTERNAL_ISSUERS`: whose tokens are accepted beside our own. */
export const ExternalIssuers = z.array(ExternalIssuer).superRefine((all, context) => {
  const twice = all.findIndex(({ issuer }, at) => all.findIndex((one) => one.issuer === issuer) !== at);
  if (twice >= 0) context.addIssue({ code: 'custom', path: [twice, 'issuer'], message: 'must not be there twice' });
  const asked = all.flatMap(({ introspection }, at) => (introspection ? [at] : []));
  // Nothing in an opaque token says whom to ask.
  if (asked[1] !== undefined)
    context.addIssue({ code: 'custom', path: [asked[1], 'introspection'], message: 'must be there once only' });
});

const redirectUri = z
  .string()
  .refine(
    // The library sends it to the provider in this form when it exchanges the code.
    (text) => URL.canParse(text) && new URL(text).href === text && !/[?#]/.test(text),
    'must be a whole address without query or fragment, such as https://shop.example.com/back',
  )
  .refine(isSafe, 'must be https, http on this machine, or a scheme of an app')
  .refine((text) => !/^(javascript|data|file|blob):/i.test(text), 'must be the address of an app');

const SignInProvider = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9-]{1,40}$/, 'must be 1 to 40 small letters, digits and hyphens'),
    name: z.string().min(1).max(100),
    issuer: address,
    clientId: z.string().min(1),
    /** Absent: a public client. */
    clientSecret: z.string().min(1).optional(),
    /** How the secret is sent (OpenID Connect Core §9): in the header or in the body. */
    clientAuth: z.enum(['basic', 'post']).default('basic'),
    scopes: z
      .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/))
      .refine((list) => list.includes('openid'), 'must include openid')
      .default(['openid', 'email', 'profile']),
    /** Compared to the letter (RFC 9700 §4.1.3). */
    redirectUris: z.array(redirectUri).min(1),
    /** Whether an existing user with the same address is linked, where the provider has verified it. */
    linkByEmail: z.boolean().default(false),
    /** Where people are added who are no users yet, with which role; absent: nowhere. */
    newUsers: z.strictObject({ tenant: z.uuid(), role: role.exclude(['owner']).default('viewer') }).optional(),
    insecureHttp: z.boolean().default(false),
  })
  .superRefine(({ issuer, insecureHttp }, context) => {
    if (!insecureHttp && !isSafe(issuer)) context.addIssue({ code: 'custom', path: ['issuer'], message: overHttp });
  });
export type SignInProvider = z.output<typeof SignInProvider>;

/** `OLYMPUS_SIGN_IN_PROVIDERS`: where people may sign in beside by password. */
export const SignInProviders = z.array(SignInProvider).superRefine((all, context) => {
  const twice = all.findIndex(({ id }, at) => all.findIndex((one) => one.id === id) !== at);
  if (twice >= 0) context.addIssue({ code: 'custom', path: [twice, 'id'], message: 'must not be there twice' });
});
