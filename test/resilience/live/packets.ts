import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { findProgram } from '../../services.ts';

const run = promisify(execFile);
/** Rules are written one after the other, whoever else writes some. */
const wait = ['-w', '10'];
/** Longer than anybody who is cut off waits. */
const keepMs = 45_000;

/** Two ends of a TCP connection on this machine. */
export interface Ends {
  readonly from: number;
  readonly to: number;
}

/** Takes packets of single connections away, so that both ends keep them and hear nothing any more. */
export interface PacketFilter {
  /** Connections of a process to a port of this machine. */
  connectionsOf(pid: number, port: number): Promise<Ends[]>;
  drop(connection: Ends): Promise<void>;
  close(): Promise<void>;
}

/** Null where the kernel or the user's rights do not allow it. */
export function findPacketFilter(): PacketFilter | null {
  const iptables = process.getuid?.() === 0 ? findProgram('iptables') : null;
  if (!iptables || !findProgram('ss')) return null;
  const chain = `olympus-${process.pid}`;
  try {
    execFileSync(iptables, [...wait, '-N', chain], { stdio: 'ignore' });
    execFileSync(iptables, [...wait, '-I', 'INPUT', '-i', 'lo', '-p', 'tcp', '-j', chain], { stdio: 'ignore' });
  } catch {
    return null;
  }
  const timers = new Set<NodeJS.Timeout>();
  const change = async (action: '-A' | '-D', { from, to }: Ends): Promise<void> => {
    for (const [source, target] of [
      [from, to],
      [to, from],
    ]) {
      const ports = ['--sport', String(source), '--dport', String(target)];
      await run(iptables, [...wait, action, chain, '-p', 'tcp', ...ports, '-j', 'DROP']);
    }
  };
  return {
    async connectionsOf(pid, port) {
      const { stdout } = await run('ss', ['-tnpH', 'state', 'established', `( dport = :${port} )`]);
      return stdout.split('\n').flatMap((line) => {
        const [, from] = /127\.0\.0\.\d+:(\d+)\s/.exec(line) ?? [];
        return from !== undefined && line.includes(`pid=${pid},`) ? [{ from: Number(from), to: port }] : [];
      });
    },
    async drop(connection) {
      await change('-A', connection);
      // Their ports are somebody else's some day.
      const timer = setTimeout(() => {
        timers.delete(timer);
        change('-D', connection).catch(() => {});
      }, keepMs);
      timers.add(timer);
    },
    async close() {
      for (const timer of timers) clearTimeout(timer);
      await run(iptables, [...wait, '-D', 'INPUT', '-i', 'lo', '-p', 'tcp', '-j', chain]);
      await run(iptables, [...wait, '-F', chain]);
      await run(iptables, [...wait, '-X', chain]);
    },
  };
}
