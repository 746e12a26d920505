import type { Source } from './import-source.ts';
import type { Answer } from './import-upload.ts';

const width = 30;
const mb = (bytes: number) => `${(bytes / 1_048_576).toFixed(1)} MB`;

/** A bar on a terminal; elsewhere a line every ten seconds. */
export function showProgress({ size, read }: Pick<Source, 'size' | 'read'>): { end(): void } {
  const terminal = process.stderr.isTTY;
  const start = Date.now();
  const line = () => {
    const seconds = Math.round((Date.now() - start) / 1000);
    if (size === null) return `${mb(read())} read, ${seconds} s`;
    const share = size ? Math.min(1, read() / size) : 1;
    const bar = '█'.repeat(Math.round(share * width)).padEnd(width, '░');
    return `${bar} ${Math.round(share * 100)} % of ${mb(size)}, ${seconds} s`;
  };
  const timer = setInterval(
    () => process.stderr.write(terminal ? `\r${line()}` : `${line()}\n`),
    terminal ? 200 : 10_000,
  );
  return {
    end() {
      clearInterval(timer);
      if (terminal) process.stderr.write(`\r${line()}\n`);
    },
  };
}

/** Prints what came of an import; false when it was refused. */
export function printReport(answer: Answer): boolean {
  const { errors, summary } = answer.ok ? accepted(answer.report) : refused(answer.refusal);
  for (const { line, message } of errors) process.stderr.write(`line ${line}: ${message}\n`);
  process.stdout.write(`${summary}\n`);
  return answer.ok;
}

interface LineError {
  readonly line: number;
  readonly message: string;
}

function accepted(report: Extract<Answer, { ok: true }>['report']): { errors: readonly LineError[]; summary: string } {
  const { dryRun, lines, imported, failed, orders, products, customers, errors } = report;
  const n = (count: number) => count.toLocaleString('en');
  const found = `${n(orders)} orders, ${n(products)} products, ${n(customers)} customers`;
  const summary = dryRun
    ? `Checked ${n(lines)} lines: ${n(failed)} with faults; ${found}. ${nothing}`
    : `Imported ${n(imported)} of ${n(lines)} lines, ${n(failed)} with faults; ${found}.`;
  return { errors, summary };
}

const nothing = 'Nothing was imported.';
/** Failures that come before the first line is imported. */
const beforeAnything = new Set(['INVALID_INPUT', 'IMPORT_REFUSED', 'UNAUTHENTICATED', 'FORBIDDEN', 'RATE_LIMITED']);

function refused({ code, detail, data }: Extract<Answer, { ok: false }>['refusal']): {
  errors: readonly LineError[];
  summary: string;
} {
  const faults = (data as { errors?: LineError[] } | null)?.errors ?? [];
  const rest = beforeAnything.has(code) ? nothing : 'What was imported before stays; import again to complete it.';
  return { errors: faults, summary: `Refused (${code}): ${detail}. ${rest}` };
}
