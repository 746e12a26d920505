import { randomBytes } from 'node:crypto';
import { URI, type TOTP } from 'otpauth';
import { expect } from 'vitest';
import { registerTenant, rest, type Olympus, type Session } from '../harness.ts';
import type { Actor, Driver, Outcome, Scenario, Step } from './scenario.ts';

const password = 'correct horse battery';

type World = Pick<Olympus, 'url' | 'app'>;

/** The people of one scenario, made when they are first needed. */
class Cast {
  readonly #url: string;
  readonly #app: Olympus['app'];
  readonly #sessions = new Map<Actor, Promise<Session>>();

  constructor({ url, app }: World) {
    this.#url = url;
    this.#app = app;
  }

  session(actor: Actor): Promise<Session> {
    let session = this.#sessions.get(actor);
    if (!session) this.#sessions.set(actor, (session = this.#make(actor)));
    return session;
  }

  async token(actor: Actor): Promise<string | null> {
    if (actor === 'nobody') return null;
    return actor === 'forger' ? 'eyJhbGciOiJub25lIn0.e30.' : (await this.session(actor)).accessToken;
  }

  async #make(actor: Actor): Promise<Session> {
    if (actor === 'owner' || actor === 'stranger') return registerTenant(this.#url, { password });
    const email = `${actor.toLowerCase()}-${randomBytes(6).toString('hex')}@shop.test`;
    if (actor === 'superAdmin') {
      await this.#app.createAdmin({ email, name: actor, password });
      return this.#signIn(email);
    }
    const owner = await this.session('owner');
    const body = { email, name: actor, role: actor, password };
    const made = await rest(this.#url, { method: 'POST', path: '/users', token: owner.accessToken, body });
    expect(made.status).toBe(201);
    return this.#signIn(email);
  }

  async #signIn(email: string): Promise<Session> {
    return (await rest<Session>(this.#url, { method: 'POST', path: '/auth/login', body: { email, password } })).body;
  }

  /** What scenarios may refer to beside what they saved. */
  async known(name: string): Promise<unknown> {
    if (name === 'password') return password;
    if (name === 'freshEmail') return `fresh-${randomBytes(8).toString('hex')}@shop.test`;
    const match = /^(owner|staff|viewer|superAdmin)(Id|Email|Token)$/.exec(name);
    if (!match) throw new Error(`nothing is known as $${name}`);
    const session = await this.session(match[1] as Actor);
    return match[2] === 'Id' ? session.user.id : match[2] === 'Email' ? session.user.email : session.accessToken;
  }
}

/** Plays a scenario over a driver, checks every answer, and returns them in a form that is equal over all drivers. */
export async function runScenario(scenario: Scenario, driver: Driver, world: World): Promise<unknown[]> {
  const cast = new Cast(world);
  const saved = new Map<string, unknown>();
  const transcript: unknown[] = [];
  for (const step of scenario.steps) {
    const input = await resolve(step.input, saved, cast);
    const outcome = await driver.call(step.call, input, {
      token: step.bearer ? String(await resolve(step.bearer, saved, cast)) : await cast.token(step.as ?? 'owner'),
      key: step.key ?? null,
    });
    await check(step, outcome, { saved, cast });
    if (step.save) saved.set(step.save, outcome.ok ? outcome.value : null);
    transcript.push(outcome);
  }
  return anonymous(transcript) as unknown[];
}

async function check(
  step: Step,
  outcome: Outcome,
  { saved, cast }: { saved: Map<string, unknown>; cast: Cast },
): Promise<void> {
  const label = `${step.call} ${JSON.stringify(outcome)}`;
  if (step.fails) {
    expect(outcome, label).toMatchObject({ ok: false, code: step.fails });
    if (step.data !== undefined && !outcome.ok) match(outcome.data, await resolve(step.data, saved, cast), label);
    return;
  }
  expect(outcome.ok, label).toBe(true);
  if (step.value !== undefined && outcome.ok) match(outcome.value, await resolve(step.value, saved, cast), label);
}

function match(actual: unknown, expected: unknown, label: string): void {
  if (expected === '$any') return void expect(actual, label).toBeDefined();
  if (expected === '$date') return void expect(actual, label).toBeInstanceOf(Date);
  if (Array.isArray(expected)) {
    expect(actual, label).toHaveLength(expected.length);
    expected.forEach((value, index) => match((actual as unknown[])[index], value, label));
  } else if (isRecord(expected)) {
    expect(isRecord(actual), label).toBe(true);
    for (const [key, value] of Object.entries(expected))
      match((actual as Record<string, unknown>)[key], value, `${key} of ${label}`);
  } else expect(actual, label).toEqual(expected);
}

async function resolve(value: unknown, saved: Map<string, unknown>, cast: Cast): Promise<unknown> {
  if (typeof value === 'string' && /^\$(?!any$|date$)\w/.test(value)) {
    const [name = '', ...path] = value.slice(1).split('.');
    if (name === 'code' || name === 'nextCode') return codeOf(saved.get(path[0] ?? ''), name === 'code' ? 0 : 1);
    if (!saved.has(name)) return cast.known(name);
    return path.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], saved.get(name));
  }
  if (Array.isArray(value)) return Promise.all(value.map((item) => resolve(item, saved, cast)));
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).map(async ([key, child]) => [key, await resolve(child, saved, cast)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** What an authenticator shows, now or a step later. */
function codeOf(enrolled: unknown, steps: number): string {
  const totp = URI.parse((enrolled as { uri: string }).uri) as TOTP;
  return totp.generate({ timestamp: Date.now() + steps * 30_000 });
}

/** Ids, instants, tokens and addresses by order of appearance: what differs from run to run or names the protocol, and nothing else. */
function anonymous(value: unknown, names = new Map<string, string>()): unknown {
  if (value instanceof Date) return '<Date>';
  if (typeof value === 'string') {
    return value
      .replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, '<Date>')
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (id) => {
        if (!names.has(id)) names.set(id, `<id ${names.size}>`);
        return names.get(id) ?? '';
      })
      .replace(/\/file-links\/[\w-]+$/, '/file-links/<link>')
      .replace(/^(eyJ|olr_)[\w.-]+$/, '<token>')
      .replace(/^olk_\w+$/, '<key>')
      .replace(/\b(fresh|owner|staff|viewer|superadmin)-[0-9a-f]+@shop\.test/g, '<$1 address>')
      .replace(/^Shop [0-9a-f]+$/, '<shop>');
  }
  if (Array.isArray(value)) return value.map((item) => anonymous(item, names));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [
      key,
      /^(traceId|protocol|userAgent|hash|startHash)$/.test(key) ||
      // How many deliveries have been tried by now.
      (key === 'attempts' && Array.isArray(child)) ||
      (/^(nextCursor|previousCursor|requestId|secret|uri|recoveryCodes)$/.test(key) && child !== null)
        ? `<${key}>`
        : anonymous(child, names),
    ]),
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !(value instanceof Date);
