import { z } from 'zod';
import { allRoles, permissionsOf, roles } from '../permissions.ts';
import { Country, Currency, EmailAddress, Id, stamps, text, TimeZone } from './common.ts';

export const RoleName = z
  .enum(allRoles)
  .meta({ id: 'Role', description: '`super_admin` is the platform’s own and is no role of a tenant' });
/** What a user of a tenant may be given. */
export const TenantRoleName = z.enum(roles).meta({ id: 'TenantRole' });

const locationIds = z
  .array(Id)
  .max(100)
  .meta({ description: 'The locations whose orders the user is kept to; empty: all', examples: [[]] });

export const User = z
  .object({
    id: Id,
    email: z.string(),
    name: z.string(),
    role: RoleName,
    active: z.boolean(),
    locationIds,
    ...stamps,
  })
  .meta({ id: 'User' });
export type User = z.output<typeof User>;

/** 10 to 200 characters; nothing else is asked of a password. */
export const Password = z
  .string()
  .min(10)
  .max(200)
  .meta({ format: 'password', examples: ['correct horse battery'] });

/** Six digits of an authenticator, or a recovery code. Spaces and dashes are ignored. */
export const SecondFactorCode = z
  .string()
  .min(6)
  .max(40)
  .meta({ description: 'Six digits of an authenticator, or a recovery code', examples: ['287082'] });

export const newUser = {
  email: EmailAddress,
  name: text(200),
  role: TenantRoleName,
  password: Password,
  locationIds: locationIds.default([]),
};
export const wholeUser = {
  email: EmailAddress,
  name: text(200),
  role: TenantRoleName,
  active: z.boolean(),
  // Who does not know of locations must not set a user free of them.
  locationIds: locationIds.optional().meta({
    description: 'The locations whose orders the user is kept to; empty: all; absent: as they are',
    examples: [[]],
  }),
};
export const userChanges = {
  email: EmailAddress.optional(),
  name: text(200).optional(),
  role: TenantRoleName.optional(),
  active: z.boolean().optional(),
  locationIds: locationIds.optional(),
  password: Password.optional(),
};

export const Tenant = z
  .object({ id: Id, name: z.string(), timeZone: TimeZone, currency: Currency })
  .meta({ id: 'Tenant' });
export type Tenant = z.output<typeof Tenant>;

export const Session = z
  .object({
    accessToken: z.string(),
    refreshToken: z.string(),
    expiresIn: z.int().meta({ description: 'Seconds until the access token expires' }),
    user: User,
  })
  .meta({ id: 'Session' });
export type Session = z.output<typeof Session>;

export const DeviceName = text(100).meta({
  description: 'Name of the device; absent: told from the User-Agent',
  examples: ['Till 2'],
});

/** A sign-in of one device, as its user sees it. */
export const DeviceSession = z
  .object({
    id: Id,
    device: z.string().meta({ description: 'As the client named it, or told from its User-Agent' }),
    address: z.string().meta({ description: 'Where it signed in or renewed its tokens last' }),
    createdAt: z.date(),
    lastUsedAt: z.date().meta({ description: 'To the minute' }),
    expiresAt: z.date().meta({ description: 'Unless its tokens are renewed before' }),
    current: z.boolean().meta({ description: 'Whether the call came with it' }),
  })
  .meta({ id: 'DeviceSession' });
export type DeviceSession = z.output<typeof DeviceSession>;

/** How a second factor is set up on a device. */
export const TotpEnrollment = z
  .object({
    secret: z.string().meta({ description: 'Base32, for typing in' }),
    uri: z.string().meta({ description: 'otpauth://, for a QR code' }),
  })
  .meta({ id: 'TotpEnrollment' });

export const RecoveryCodes = z
  .object({ recoveryCodes: z.array(z.string()).meta({ description: 'Shown this once; each stands in for one code' }) })
  .meta({ id: 'RecoveryCodes' });
export const SignInProviders = z
  .object({
    items: z.array(
      z
        .object({ id: z.string().meta({ examples: ['google'] }), name: z.string().meta({ examples: ['Google'] }) })
        .meta({ id: 'SignInProvider' }),
    ),
  })
  .meta({ id: 'SignInProviders' });

export const SignInStart = z
  .object({
    authorizationUrl: z.string().meta({ description: 'Where to send the person' }),
    state: z.string().meta({
      description: 'For the client to keep and to give to finish; not the `state` of the address, which is its hash',
    }),
    expiresIn: z.int().meta({ description: 'Seconds until it is too late to finish' }),
  })
  .meta({ id: 'SignInStart' });

const permissionNames = [...permissionsOf.owner] as const;
const KeyIdentity = z
  .object({ id: Id, name: z.string(), expiresAt: z.date().nullable() })
  .meta({ id: 'ApiKeyIdentity' });
const ActorIdentity = z.object({ userId: Id, reason: z.string() }).meta({ id: 'ActorIdentity' });
export const Me = z
  .object({
    user: User,
    tenant: Tenant,
    emailVerifiedAt: z.date().nullable().meta({ description: 'When the user has shown that the address is theirs' }),
    totpEnabled: z.boolean().meta({ description: 'Whether signing in asks for a second factor' }),
    permissions: z.array(z.string()).meta({ examples: [permissionNames.slice(0, 2)] }),
    apiKey: KeyIdentity.nullable().meta({ description: 'The key that was called with; `user` is who made it' }),
    actor: ActorIdentity.nullable().meta({ description: 'The platform’s user who acts in the tenant, and why' }),
  })
  .meta({ id: 'Me' });

export const TokenStatus = z
  .object({
    valid: z.boolean(),
    userId: Id.nullable(),
    tenantId: Id.nullable(),
    role: RoleName.nullable(),
    expiresAt: z.date().nullable(),
  })
  .meta({ id: 'TokenStatus' });

export const Customer = z
  .object({
    id: Id,
    code: z.string().nullable().meta({ description: 'The shop’s own number for the customer' }),
    name: z.string(),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    country: z.string().nullable(),
    ...stamps,
  })
  .meta({ id: 'Customer' });
export type Customer = z.output<typeof Customer>;

const code = text(64);
const phone = text(40);
export const newCustomer = {
  code: code.optional(),
  name: text(200),
  email: EmailAddress.optional(),
  phone: phone.optional(),
  country: Country.optional(),
};
export const customerChanges = {
  code: code.nullable().optional(),
  name: text(200).optional(),
  email: EmailAddress.nullable().optional(),
  phone: phone.nullable().optional(),
  country: Country.nullable().optional(),
};

export const Location = z
  .object({ id: Id, name: z.string(), address: z.string().nullable(), active: z.boolean(), ...stamps })
  .meta({ id: 'Location' });
export type Location = z.output<typeof Location>;

const address = text(500);
export const newLocation = { name: text(200), address: address.optional() };
export const wholeLocation = { ...newLocation, active: z.boolean().default(true) };
export const locationChanges = {
  name: text(200).optional(),
  address: address.nullable().optional(),
  active: z.boolean().optional(),
};
