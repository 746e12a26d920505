import { eventSchemas, type EventName } from '@olympus/contracts';
import { revive } from '../../events/revive.ts';
import { invalidInput } from '../../kernel/steps/validate.ts';

/** What says whom an event is about, which its order rests on. */
const subjects = ['orderId', 'productId'] as const;

interface Content {
  readonly type: string;
  readonly version: number;
  /** As it is stored. */
  readonly before: Record<string, unknown>;
  readonly after: Record<string, unknown>;
}

/** The JSON of an edited event. Throws `INVALID_INPUT` with every fault where it is not what its type says. */
export function editedContent({ type, version, before, after }: Content): object {
  // As the log keeps it: without what JSON cannot hold, instants as texts.
  const stored = JSON.parse(JSON.stringify(after)) as Record<string, unknown>;
  const fault = (field: string, message: string) =>
    invalidInput([{ field: `payload.${field}`, message, code: 'invalid_value', nearest: null }]);
  if (stored['type'] !== type) throw fault('type', `must stay ${type}`);
  for (const name of subjects)
    if (name in before && stored[name] !== before[name])
      throw fault(name, 'must stay, since it keeps the order of events');
  const payload = revive(type, version, structuredClone(stored));
  // A newer version of the program wrote it: what it should look like is not known here.
  if (!payload) throw fault('type', `must be of version ${version}, which this server does not know`);
  const { error, data } = eventSchemas[type as EventName].payload.safeParse(payload);
  if (error)
    throw invalidInput(
      error.issues.map(({ path, message, code }) => ({
        field: ['payload', ...path].map(String).join('.'),
        message,
        code,
        nearest: null,
      })),
    );
  const [unknown] = unknownFields(stored, JSON.parse(JSON.stringify(data)));
  if (unknown !== undefined) throw fault(unknown, 'is not a known field');
  return stored;
}

/** What is in `given` and not in what its schema left of it. */
function* unknownFields(given: unknown, known: unknown, path = ''): Generator<string> {
  if (typeof given !== 'object' || given === null || typeof known !== 'object' || known === null) return;
  for (const [name, child] of Object.entries(given)) {
    const field = path ? `${path}.${name}` : name;
    if (Object.hasOwn(known, name)) yield* unknownFields(child, (known as Record<string, unknown>)[name], field);
    else yield field;
  }
}
