import { expect, test } from 'vitest';
import { askedWait } from './schedule.ts';

const now = new Date('2026-01-01T00:00:00Z');
const hour = 3_600_000;

test.each([
  [429, '120', 120_000],
  [503, 'Thu, 01 Jan 2026 01:00:00 GMT', hour],
  [503, 'Wed, 31 Dec 2025 01:00:00 GMT', 0],
  [429, '99999999999999999999', 24 * hour],
  [503, 'soon', 0],
  [503, '-5', 0],
  [429, null, 0],
  [500, '120', 0],
])('an answer of %s with Retry-After %s asks to wait for %s ms', (status, retryAfter, wait) => {
  expect(askedWait({ status, retryAfter }, now)).toBe(wait);
});
