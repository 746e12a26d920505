import type { Duplex } from 'node:stream';
import postgres from 'postgres';
import { parseArray } from './arrays.ts';

export interface ClientSettings {
  url: string | undefined;
  /** Opens the bytes' way to the server. It must not throw: the driver would never use that connection again. */
  socket: (host: { host: string[]; port: number[]; path: string | false }) => Duplex;
  /** Sent in the startup packet: `role`, `statement_timeout` and other settings of the session. */
  connection: Record<string, string>;
  connections: number;
  connectTimeoutMs: number;
  onClose?: () => void;
  /** Default true. */
  prepare?: boolean;
}

const text = (value: string): string => value;
const instant = (value: string): Date => new Date(value);
const instantOut = (value: unknown): string => (value instanceof Date ? value.toISOString() : String(value));
const jsonOut = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
const booleanOut = (value: unknown): string => (value === true ? 't' : value === false ? 'f' : String(value));
const unchanged = (value: unknown): string => String(value);

/** Object ids of array types with how to read one element. */
const arrayTypes: [oid: number, element: (text: string) => unknown][] = [
  [1000, (value) => value === 't'], // boolean
  [1005, Number],
  [1007, Number],
  [1021, Number],
  [1022, Number], // int2, int4, float4, float8
  [1009, text],
  [1015, text],
  [1016, text],
  [1231, text],
  [2951, text],
  [1182, text], // text, varchar, int8, numeric, uuid, date
  [1185, instant], // timestamptz
];

const types: Record<string, postgres.PostgresType> = {
  timestamptz: { to: 1184, from: [1184], serialize: instantOut, parse: instant },
  // Without a zone there is no instant, so the driver's guess of a local Date is replaced by the text.
  timestamp: { to: 1114, from: [1114], serialize: instantOut, parse: text },
  date: { to: 1082, from: [1082], serialize: instantOut, parse: text },
  // The driver's own serializer writes the text 'true' as false.
  boolean: { to: 16, from: [16], serialize: booleanOut, parse: (value: string) => value === 't' },
  json: { to: 114, from: [114, 3802], serialize: jsonOut, parse: (value: string): unknown => JSON.parse(value) },
  ...Object.fromEntries(
    arrayTypes.map(([oid, element]) => [
      `array${oid}`,
      { to: oid, from: [oid], serialize: unchanged, parse: (value: string) => parseArray(value, element) },
    ]),
  ),
};

/** A driver client whose rows carry `Date` for timestamptz, text for numeric, int8 and date, and parsed json. */
export function createClient(settings: ClientSettings): postgres.Sql {
  const options = {
    max: settings.connections,
    socket: settings.socket,
    types,
    fetch_types: false,
    connect_timeout: settings.connectTimeoutMs / 1000,
    // A dead server is asked again soon, so that calls fail fast meanwhile and succeed soon afterwards.
    backoff: () => 0.05 + Math.random() * 0.2,
    // The driver would end an old connection between two statements of a transaction that it does not know of.
    max_lifetime: null,
    prepare: settings.prepare ?? true,
    onnotice: () => {},
    onclose: () => settings.onClose?.(),
    connection: { application_name: 'olympus', TimeZone: 'UTC', ...settings.connection },
  };
  // `socket` and `onclose` are options of the driver that its types leave out or narrow.
  return settings.url === undefined
    ? postgres({
        ...options,
        host: 'embedded',
        user: 'postgres',
        database: 'postgres',
        ssl: false,
      } as postgres.Options<{}>)
    : postgres(settings.url, options as postgres.Options<{}>);
}
