import { createTransport } from 'nodemailer';
import type { Logger } from 'pino';

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export interface Mailer {
  /** Resolves when a server has taken the mail over; rejects when none has, and it may be tried again. */
  send(mail: Mail): Promise<void>;
  close(): void;
}

export interface SmtpSettings {
  /** `smtp://user:password@host:587`, or `smtps://` for TLS from the start. */
  readonly url: string;
  readonly from: string;
}

const timeoutMs = 10_000;

export function smtpMailer({ url, from }: SmtpSettings): Mailer {
  const limits = { connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs };
  // Nothing that a mail names is ever read from a file or fetched.
  const transport = createTransport({ url, ...limits, disableFileAccess: true, disableUrlAccess: true });
  return {
    async send({ to, subject, text }) {
      await transport.sendMail({ from, to: { name: '', address: to }, subject, text });
    },
    close: () => transport.close(),
  };
}

/** For development, where the developer reads the mail in the log; elsewhere the log must not hold its links. */
export function logMailer(log: Pick<Logger, 'info' | 'warn'>, { withText }: { withText: boolean }): Mailer {
  return {
    async send({ to, subject, text }) {
      if (withText) log.info({ to, subject }, `mail, not sent: SMTP_URL is not set\n${text}`);
      else log.warn({ subject }, 'a mail was not sent: SMTP_URL is not set');
    },
    close() {},
  };
}
