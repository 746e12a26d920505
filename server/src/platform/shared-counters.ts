import type { Count, Counted, Window } from './rate-counters.ts';
import type { Redis } from './redis.ts';

/**
 * Redis runs a script as one step. KEYS are the windows that calls of a moment are counted in, each once; ARGV is for each
 * call its cost, how many windows it has, and for each of these its place in KEYS and its limit. The answer is for each call
 * whether it is let through and how much of each window is used then, and after all calls the time that each window has left.
 */
const script = `
local used, taken = {}, {}
for i, key in ipairs(KEYS) do
  used[i] = tonumber(redis.call('GET', key) or '0')
  taken[i] = 0
end
local answer, at, last = {}, 2, #ARGV
while at < last do
  local cost, count, allowed = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), 1
  local from, to = at + 2, at + 2 * count
  for j = from, to, 2 do
    local limit = tonumber(ARGV[j + 1])
    if used[tonumber(ARGV[j])] + math.min(cost, limit) > limit then allowed = 0 end
  end
  answer[#answer + 1] = allowed
  for j = from, to, 2 do
    local i = tonumber(ARGV[j])
    if allowed == 1 then
      local price = math.min(cost, tonumber(ARGV[j + 1]))
      used[i] = used[i] + price
      taken[i] = taken[i] + price
    end
    answer[#answer + 1] = used[i]
  end
  at = to + 2
end
local lives = cjson.decode(ARGV[1])
for i, key in ipairs(KEYS) do
  if taken[i] > 0 then redis.call('INCRBY', key, taken[i]) end
  local left = redis.call('PTTL', key)
  if left == -1 then
    left = lives[i]
    redis.call('PEXPIRE', key, left)
  end
  answer[#answer + 1] = left
end
return answer`;

type Scripted = Redis['client'] & { olympusTake(keys: number, ...rest: (string | number)[]): Promise<number[]> };

interface Waiting {
  readonly windows: readonly Window[];
  readonly cost: number;
  readonly settle: (counted: Counted | null) => void;
}

/** More calls than these are sent as several scripts, so that none holds Redis up. */
const maxCalls = 200;
/** For which Redis is waited for; a call that has gathered waited for the answer before, too. */
export const patienceMs = 400;
/** A timer that is later than this was held up by this process, and Redis may have answered long ago. */
const lagMs = 50;

/**
 * Counts as `createMemoryCounters` does, for all replicas at once. While Redis is asked, the calls that come gather and are
 * sent together after its answer: the busier a process, the fewer times it asks. Resolves to null when Redis does not answer
 * in time, for those who have gathered too.
 */
export function createSharedCounters({ client }: Redis) {
  client.defineCommand('olympusTake', { lua: script });
  const scripted = client as Scripted;
  const waiting: Waiting[] = [];
  let asking = false;

  const ask = async (): Promise<void> => {
    while (waiting.length > 0) {
      const calls = waiting.splice(0, maxCalls);
      const counted = await count(scripted, calls).catch(() => null);
      if (counted) for (const [index, { settle }] of calls.entries()) settle(counted[index] ?? null);
      else for (const { settle } of calls.concat(waiting.splice(0))) settle(null);
    }
    asking = false;
  };

  return (windows: readonly Window[], cost: number): Promise<Counted | null> =>
    new Promise((settle) => {
      waiting.push({ windows, cost, settle });
      if (asking) return;
      asking = true;
      setImmediate(() => void ask());
    });
}

/** What each call is told; null when Redis does not answer in time. */
async function count(scripted: Scripted, calls: readonly Waiting[]): Promise<Counted[] | null> {
  const { keys, lives, demands } = written(calls);
  const numbers = await inTime(scripted.olympusTake(keys.length, ...keys, JSON.stringify(lives), ...demands));
  return numbers && answers(calls, { numbers, lives, demands });
}

/** All of them lie in one slot of a cluster, since a call is counted in several windows in one step. */
export const windowKey = (key: string): string => `{rate}:${key}`;

/** What the script is given. */
function written(calls: readonly Waiting[]) {
  const places = new Map<string, number>();
  const keys: string[] = [];
  const lives: number[] = [];
  const demands: number[] = [];
  for (const { windows, cost } of calls) {
    demands.push(cost, windows.length);
    for (const { key, limit, windowSeconds } of windows) {
      let place = places.get(key);
      if (place === undefined) {
        places.set(key, (place = keys.push(windowKey(key))));
        lives.push(windowSeconds * 1000);
      }
      demands.push(place, limit);
    }
  }
  return { keys, lives, demands };
}

function answers(
  calls: readonly Waiting[],
  { numbers, lives, demands }: { numbers: readonly number[]; lives: readonly number[]; demands: readonly number[] },
): Counted[] {
  const firstLeft = numbers.length - lives.length;
  let at = 0;
  let demand = 0;
  return calls.map(({ windows }) => {
    const allowed = numbers[at++] === 1;
    demand += 2;
    const counts: Count[] = [];
    for (let index = 0; index < windows.length; index++, demand += 2) {
      const place = (demands[demand] ?? 1) - 1;
      const left = numbers[firstLeft + place] ?? -2;
      // Nothing is kept yet of a window that another one refused.
      counts.push({ used: numbers[at++] ?? 0, msLeft: left < 0 ? (lives[place] ?? 0) : left });
    }
    return { allowed, counts };
  });
}

/** null when Redis did not answer in time. */
async function inTime<T>(asked: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    const wait = (): void => {
      const due = performance.now() + patienceMs;
      timer = setTimeout(() => (performance.now() > due + lagMs ? wait() : resolve(null)), patienceMs);
    };
    wait();
  });
  try {
    return await Promise.race([asked, late]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
