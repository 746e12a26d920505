import { expect, test } from 'vitest';
import { createLogger } from './logger.ts';

function logged(write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  write(createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('a line is JSON with its level, time, message and fields', () => {
  const [line, ...more] = logged((log) => {
    log.debug('not written');
    log.info({ requestId: 'r1', tenantId: undefined, durationMs: 1.5 }, 'call');
  });
  expect(more).toEqual([]);
  expect(line).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    requestId: 'r1',
    durationMs: 1.5,
    msg: 'call',
  });
});

test('secrets are struck out wherever they stand, and the object given is left as it was', () => {
  const given = {
    password: 'canary',
    accessToken: 'canary',
    input: { refreshToken: 'canary', email: 'a@b.test' },
    list: [{ passwordHash: 'canary' }, 'kept'],
    headers: { authorization: 'Bearer canary', cookie: 'canary', 'set-cookie': ['canary'], 'x-api-key': 'canary' },
  };
  const [line] = logged((log) => log.info(given, 'm'));
  expect(JSON.stringify(line)).not.toContain('canary');
  expect(line).toMatchObject({
    password: '[redacted]',
    input: { email: 'a@b.test' },
    list: [{ passwordHash: '[redacted]' }, 'kept'],
  });
  expect(given.password).toBe('canary');
});

test('an error is written with its cause, and without the secrets it carries', () => {
  const error = Object.assign(new Error('above', { cause: new Error('beneath') }), { token: 'canary', code: 'E1' });
  const [line] = logged((log) => log.error({ err: error }, 'call failed'));
  expect(JSON.stringify(line)).not.toContain('canary');
  expect(line?.['err']).toMatchObject({ code: 'E1', stack: expect.stringContaining('caused by: Error: beneath') });
});

test('line breaks in values cannot start a line of their own', () => {
  const lines = logged((log) => log.info({ name: 'a\n{"level":"error"}' }, 'x\ny'));
  expect(lines).toHaveLength(1);
});
