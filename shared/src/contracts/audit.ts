import { z } from 'zod';
import { query, subscription } from '../contract.ts';
import { errors } from '../errors.ts';
import { AuditEvent } from '../events.ts';
import { AuditEntry, AuditHead, AuditOutcome, AuditVerification } from '../models/audit.ts';
import { Id, lastEventId, pageInput, pageOf, sortOf } from '../models/common.ts';

const { AUDIT_ENTRY_NOT_FOUND } = errors;

const filters = {
  userId: Id.optional().meta({ description: 'Whose calls; also those of others who acted as the user' }),
  actorUserId: Id.optional().meta({ description: 'Who acted as somebody else' }),
  apiKeyId: Id.optional(),
  procedure: z
    .string()
    .max(100)
    .optional()
    .meta({ examples: ['orders.cancel'] }),
  resourceType: z
    .string()
    .max(100)
    .optional()
    .meta({ examples: ['order'] }),
  resourceId: z
    .string()
    .max(100)
    .optional()
    .meta({ examples: ['01890a5d-ac96-774b-bcce-b302099a8057'] }),
  outcome: AuditOutcome.optional(),
};
const range = {
  from: z
    .date()
    .optional()
    .meta({ description: 'First instant, included', examples: [new Date('2026-01-01T00:00:00Z')] }),
  to: z
    .date()
    .optional()
    .meta({ description: 'Last instant, not included', examples: [new Date('2026-02-01T00:00:00Z')] }),
};

export const audit = {
  list: query({
    summary: 'List the audit log',
    operationId: 'listAuditEntries',
    rest: 'GET /audit',
    access: 'audit:read',
    input: z.strictObject({ ...pageInput, sort: sortOf(['sequence'], '-sequence'), ...filters, ...range }),
    output: pageOf(AuditEntry, 'AuditPage'),
  }),
  get: query({
    summary: 'Get an entry of the audit log',
    operationId: 'getAuditEntry',
    rest: 'GET /audit/{id}',
    access: 'audit:read',
    input: z.strictObject({ id: Id }),
    output: AuditEntry,
    errors: { AUDIT_ENTRY_NOT_FOUND },
  }),
  head: query({
    summary: 'Get the end of the audit log’s chain, to be kept elsewhere',
    operationId: 'getAuditHead',
    rest: 'GET /audit/head',
    access: 'audit:read',
    output: AuditHead,
  }),
  verify: query({
    summary: 'Recompute the hashes of a part of the audit log',
    operationId: 'verifyAudit',
    rest: 'GET /audit/verify',
    access: 'audit:read',
    input: z.strictObject({
      fromSequence: z
        .int()
        .min(1)
        .optional()
        .meta({ description: 'Where to begin; the first entry when absent', examples: [1] }),
      limit: z
        .int()
        .min(1)
        .max(10_000)
        .default(10_000)
        .meta({ description: 'Entries at most', examples: [10_000] }),
    }),
    output: AuditVerification,
  }),
  export: subscription({
    summary: 'Stream the audit log as CSV or NDJSON',
    operationId: 'exportAudit',
    rest: 'GET /audit/export',
    access: 'audit:read',
    rate: 'read',
    download: ['text/csv', 'application/x-ndjson'],
    input: z.strictObject({ ...filters, ...range }),
    output: AuditEntry,
  }),
  updates: subscription({
    summary: 'Follow the audit log as its entries are sealed',
    operationId: 'followAudit',
    rest: 'GET /audit/events',
    access: 'audit:read',
    rate: 'stream',
    tracked: true,
    input: z.strictObject({ ...filters, lastEventId }),
    output: AuditEvent,
  }),
};
