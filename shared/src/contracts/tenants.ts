import { z } from 'zod';
import { mutation, query } from '../contract.ts';
import { errors } from '../errors.ts';
import { acting, ActingSession, reason, TenantRecord } from '../models/access.ts';
import { Currency, EmailAddress, Id, pageInput, pageOf, sortOf, text, TimeZone, Words } from '../models/common.ts';
import { Announcement, newAnnouncement } from '../models/notification.ts';
import { Password } from '../models/people.ts';

const { EMAIL_TAKEN, TENANT_NOT_FOUND } = errors;

/** The platform's own: the only way by which its users reach tenants. */
export const tenants = {
  list: query({
    summary: 'List the tenants of the platform',
    operationId: 'listTenants',
    rest: 'GET /tenants',
    access: 'platform:tenants',
    audit: true,
    input: z.strictObject({
      ...pageInput,
      sort: sortOf(['createdAt', 'name'], '-createdAt'),
      q: Words.optional(),
      suspended: z
        .boolean()
        .optional()
        .meta({ examples: [false] }),
    }),
    output: pageOf(TenantRecord, 'TenantPage'),
  }),
  get: query({
    summary: 'Get a tenant',
    operationId: 'getTenant',
    rest: 'GET /tenants/{id}',
    access: 'platform:tenants',
    audit: true,
    input: z.strictObject({ id: Id }),
    output: TenantRecord,
    errors: { TENANT_NOT_FOUND },
  }),
  create: mutation({
    summary: 'Open a tenant with its owner, also where registration is closed',
    operationId: 'createTenant',
    rest: 'POST /tenants',
    status: 201,
    access: 'platform:tenants',
    idempotent: false,
    unitOfWork: 'own',
    input: z.strictObject({
      tenant: text(200).meta({ description: 'Name of the shop' }),
      name: text(200).meta({ description: 'Name of the owner' }),
      email: EmailAddress,
      password: Password,
      timeZone: TimeZone.default('UTC'),
      currency: Currency.default('USD'),
    }),
    output: TenantRecord,
    errors: { EMAIL_TAKEN },
  }),
  suspend: mutation({
    summary: 'Refuse every credential of a tenant from now on; its data stays',
    operationId: 'suspendTenant',
    rest: 'POST /tenants/{id}/suspend',
    access: 'platform:tenants',
    idempotent: false,
    unitOfWork: 'own',
    input: z.strictObject({ id: Id, reason }),
    output: TenantRecord,
    errors: { TENANT_NOT_FOUND },
  }),
  resume: mutation({
    summary: 'End the suspension of a tenant',
    operationId: 'resumeTenant',
    rest: 'POST /tenants/{id}/resume',
    access: 'platform:tenants',
    idempotent: false,
    unitOfWork: 'own',
    input: z.strictObject({ id: Id }),
    output: TenantRecord,
    errors: { TENANT_NOT_FOUND },
  }),
  announce: mutation({
    summary: 'Announce something to everybody in a tenant',
    operationId: 'announceInTenant',
    rest: 'POST /tenants/{id}/announcements',
    status: 201,
    access: 'platform:tenants',
    idempotent: false,
    unitOfWork: 'own',
    input: z.strictObject({ id: Id, ...newAnnouncement }),
    output: Announcement,
    errors: { TENANT_NOT_FOUND },
  }),
  actAs: mutation({
    summary: 'Get a short token to act in a tenant, with a role and for a reason',
    operationId: 'actInTenant',
    rest: 'POST /tenants/{tenantId}/act',
    access: 'platform:tenants',
    // A kept answer would keep the token.
    idempotent: false,
    unitOfWork: 'own',
    input: z.strictObject({ tenantId: Id, ...acting }),
    output: ActingSession,
    errors: { TENANT_NOT_FOUND },
  }),
};
