/** Takes one of what a key may have at once, and returns what gives it back; null when all are taken. */
export type TakeSlot = (key: string) => (() => void) | null;

export function createSlots(perKey: number): TakeSlot {
  const taken = new Map<string, number>();
  return (key) => {
    const count = taken.get(key) ?? 0;
    if (count >= perKey) return null;
    taken.set(key, count + 1);
    return () => {
      const left = (taken.get(key) ?? 1) - 1;
      if (left === 0) taken.delete(key);
      else taken.set(key, left);
    };
  };
}
