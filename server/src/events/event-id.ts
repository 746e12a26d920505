/** Where an event stands: the epoch of its tenant's log, and its place in it from 1. */
export interface Place {
  /** Empty only at position 0, before a tenant's first event. */
  readonly epoch: string;
  readonly position: number;
}

const pattern = /^([A-Za-z0-9_-]{0,64})\.(0|[1-9]\d{0,14})$/;

/** The opaque id of an event, from which a stream resumes. */
export const encodeEventId = ({ epoch, position }: Place): string =>
  Buffer.from(`${epoch}.${position}`).toString('base64url');

/** Null when `id` was not made by `encodeEventId`. */
export function decodeEventId(id: string): Place | null {
  if (!/^[A-Za-z0-9_-]{1,120}$/.test(id)) return null;
  const [, epoch, position] = pattern.exec(Buffer.from(id, 'base64url').toString('latin1')) ?? [];
  if (epoch === undefined || position === undefined) return null;
  return { epoch, position: Number(position) };
}
