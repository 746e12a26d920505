import { eventSchemas } from '@olympus/contracts';
import type { ConsumedEvent } from '../events/consumers/consumer.ts';
import type { OutgoingEvent } from './broker.ts';

/**
 * An event by CloudEvents 1.0 in binary mode: attributes beside the body, which is the event's content as streams carry it.
 * `source` names the tenant, so that source and id together are the event's alone. `partitionkey` is of the extension
 * Partitioning; `requestid` and `dataversion` are ours.
 */
export function toCloudEvent({
  id,
  tenantId,
  type,
  subjectId,
  payload,
  requestId,
  occurredAt,
}: ConsumedEvent): OutgoingEvent {
  return {
    id,
    tenantId,
    type,
    subjectId,
    attributes: {
      specversion: '1.0',
      id,
      source: `/tenants/${tenantId}`,
      type,
      time: occurredAt.toISOString(),
      datacontenttype: 'application/json',
      dataversion: String(eventSchemas[type].version),
      ...(subjectId === null ? {} : { subject: subjectId }),
      partitionkey: subjectId ?? tenantId,
      ...(requestId === null ? {} : { requestid: requestId }),
    },
    body: Buffer.from(JSON.stringify(payload)),
  };
}

/** Percent-encoded as the bindings of CloudEvents to HTTP and NATS say: what is not visible ASCII, and `"` and `%`. */
export const headerValue = (text: string): string =>
  text.replace(/[^\x21\x23\x24\x26-\x7e]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
