import { z } from 'zod';
import { Id } from './common.ts';

/** `denied`: the caller may not do that, or the sign-in failed. `failed`: it broke off, and may have changed something before. */
export const AuditOutcome = z.enum(['success', 'denied', 'failed']).meta({ id: 'AuditOutcome' });
export type AuditOutcome = z.output<typeof AuditOutcome>;

const sequence = z.int().min(0);
const hash = z.string().meta({
  description: 'SHA-256, 64 hexadecimal digits',
  examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
});
const Details = z
  .record(z.string(), z.unknown())
  .meta({ id: 'AuditDetails', description: 'Fields by their names; secrets are taken out, and what is long is cut' });
const details = (description: string) => Details.nullable().meta({ description });

/** One line of the audit log. Its hash covers all its other fields. */
export const AuditEntry = z
  .object({
    sequence: sequence.meta({ description: 'From 1, without gaps' }),
    id: Id,
    createdAt: z.date(),
    outcome: AuditOutcome,
    code: z
      .string()
      .nullable()
      .meta({ description: 'The code of the failure', examples: ['FORBIDDEN'] }),
    procedure: z.string().meta({ examples: ['orders.create'] }),
    resourceType: z.string().meta({ examples: ['order'] }),
    resourceId: z.string().nullable(),
    userId: Id.nullable(),
    apiKeyId: Id.nullable(),
    actorUserId: Id.nullable().meta({ description: 'Who acted as the user' }),
    actorReason: z.string().nullable(),
    count: z.int().meta({ description: 'Calls that the entry stands for; above 1 for repeated denials only' }),
    input: details('What was asked'),
    before: details('What the changed fields were'),
    after: details('What they are now; after an addition, what was added'),
    protocol: z
      .string()
      .nullable()
      .meta({ examples: ['rest'] }),
    address: z
      .string()
      .nullable()
      .meta({ examples: ['192.0.2.10'] }),
    userAgent: z.string().nullable(),
    requestId: z.string().nullable(),
    traceId: z.string().nullable(),
    hash,
  })
  .meta({ id: 'AuditEntry' });
export type AuditEntry = z.output<typeof AuditEntry>;

/** Where the chain ends: whoever keeps this elsewhere can tell later whether the log was rewritten. */
export const AuditHead = z
  .object({
    sequence: sequence.meta({ description: 'Of the last entry; 0 without any' }),
    hash,
    sealedAt: z.date().nullable(),
    startSequence: sequence.meta({ description: 'The last entry that retention has dropped; 0: none' }),
    startHash: hash,
  })
  .meta({ id: 'AuditHead' });
export type AuditHead = z.output<typeof AuditHead>;

export const AuditVerification = z
  .object({
    valid: z.boolean(),
    checked: z.int().meta({ description: 'Entries whose hashes were computed' }),
    fromSequence: sequence,
    toSequence: sequence.meta({ description: 'The last entry that was looked at' }),
    brokenAt: sequence.nullable().meta({ description: 'The first entry that is not what was sealed' }),
    reason: z.string().nullable(),
    head: AuditHead,
  })
  .meta({ id: 'AuditVerification' });
export type AuditVerification = z.output<typeof AuditVerification>;
