import { lookup, Resolver } from 'node:dns/promises';

export interface Address {
  readonly address: string;
  readonly family: number;
}
/** All addresses of a name; rejects where there are none. */
export type Resolve = (hostname: string) => Promise<readonly Address[]>;

const isLocal = (hostname: string): boolean => /^(?:.*\.)?localhost\.?$/i.test(hostname);

/**
 * Asks name servers without a thread: the system's own look-up has two of them, which names that answer slowly would take
 * from all others. Only `localhost` is the system's matter; its list of hosts is nothing for strangers.
 */
export const resolveByDns: Resolve = async (hostname) => {
  if (isLocal(hostname)) return lookup(hostname, { all: true, verbatim: true });
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  if (four.status === 'rejected' && six.status === 'rejected') throw four.reason;
  return [
    ...(four.status === 'fulfilled' ? four.value : []).map((address) => ({ address, family: 4 })),
    ...(six.status === 'fulfilled' ? six.value : []).map((address) => ({ address, family: 6 })),
  ];
};
