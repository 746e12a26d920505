import { z } from 'zod';
import { permissionsOf, roles } from '../permissions.ts';
import { Country, Currency, EmailAddress, Id, stamps, text, TimeZone } from './common.ts';

export const RoleName = z.enum(roles).meta({ id: 'Role' });

export const User = z
  .object({ id: Id, email: z.string(), name: z.string(), role: RoleName, active: z.boolean(), ...stamps })
  .meta({ id: 'User' });
export type User = z.output<typeof User>;

/** 10 to 200 characters; nothing else is asked of a password. */
export const Password = z
  .string()
  .min(10)
  .max(200)
  .meta({ format: 'password', examples: ['correct horse battery'] });

export const newUser = { email: EmailAddress, name: text(200), role: RoleName, password: Password };
export const wholeUser = { email: EmailAddress, name: text(200), role: RoleName, active: z.boolean() };
export const userChanges = {
  email: EmailAddress.optional(),
  name: text(200).optional(),
  role: RoleName.optional(),
  active: z.boolean().optional(),
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
export const Me = z
  .object({
    user: User,
    tenant: Tenant,
    permissions: z.array(z.string()).meta({ examples: [permissionNames.slice(0, 2)] }),
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
