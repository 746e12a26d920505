import { eventSchemas, type EventName, type EventPayload } from '@olympus/contracts';
import { z } from 'zod';

type Revive = (value: unknown) => unknown;

/**
 * The payload of a stored event, the dates that JSON keeps as text made dates again, and fields null that are newer than
 * the event. Null for an event that this version of the program does not know, which a newer replica has written.
 */
export function revive(type: string, version: number, payload: unknown): EventPayload | null {
  const known = revivers.get(type);
  return known?.version === version ? (known.revived(payload) as EventPayload) : null;
}

/** How to restore what a schema describes, in place; null where there is nothing to do. */
function reviverOf(schema: unknown): Revive | null {
  if (schema instanceof z.ZodDate) return (value) => (typeof value === 'string' ? new Date(value) : value);
  if (schema instanceof z.ZodNullable || schema instanceof z.ZodOptional) return reviverOf(schema.unwrap());
  if (schema instanceof z.ZodArray) return inArray(reviverOf(schema.element));
  if (schema instanceof z.ZodObject) return inObject(schema);
  return null;
}

const inArray = (element: Revive | null): Revive | null =>
  element && ((value) => (Array.isArray(value) ? value.map(element) : value));

function inObject(schema: z.ZodObject): Revive | null {
  const fields: [name: string, revived: Revive][] = [];
  const nullable: string[] = [];
  for (const [name, field] of Object.entries(schema.shape)) {
    const revived = reviverOf(field);
    if (revived) fields.push([name, revived]);
    if (field instanceof z.ZodNullable) nullable.push(name);
  }
  if (fields.length === 0 && nullable.length === 0) return null;
  return (value) => {
    if (typeof value !== 'object' || value === null) return value;
    const record = value as Record<string, unknown>;
    for (const [name, revived] of fields) if (name in record) record[name] = revived(record[name]);
    for (const name of nullable) record[name] ??= null;
    return record;
  };
}

const same: Revive = (value) => value;
const revivers = new Map<string, { version: number; revived: Revive }>(
  (Object.keys(eventSchemas) as EventName[]).map((type) => {
    const { version, payload } = eventSchemas[type];
    return [type, { version, revived: reviverOf(payload) ?? same }];
  }),
);
