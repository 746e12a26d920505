import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { vi } from 'vitest';

export interface ReceivedMail {
  readonly to: string;
  readonly from: string;
  readonly subject: string;
  readonly text: string;
}

/** A real SMTP server that keeps what it is sent. */
export interface Mailbox {
  readonly url: string;
  readonly mails: readonly ReceivedMail[];
  /** Refuses mails, as a server does that is out of order, until told otherwise. */
  refusing: boolean;
  /** Waits for the next mail to an address that no earlier call has returned. */
  next(to: string): Promise<ReceivedMail>;
  close(): Promise<void>;
}

export async function startMailbox(port = 0): Promise<Mailbox> {
  const mails: ReceivedMail[] = [];
  const taken = new Set<ReceivedMail>();
  const state = { refusing: false };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      const take = async () => {
        const raw = await text(stream);
        if (state.refusing) return done(Object.assign(new Error('out of order'), { responseCode: 451 }));
        const { rcptTo, mailFrom } = session.envelope;
        mails.push({
          to: rcptTo.map(({ address }) => address).join(),
          from: mailFrom ? mailFrom.address : '',
          subject: /^Subject: (.*)$/m.exec(raw)?.[1]?.trim() ?? '',
          text: bodyOf(raw),
        });
        return done();
      };
      void take();
    },
  });
  server.listen(port, '127.0.0.1');
  await once(server.server, 'listening');
  const find = (to: string) => mails.find((mail) => mail.to === to && !taken.has(mail));
  return {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    mails,
    get refusing() {
      return state.refusing;
    },
    set refusing(refusing) {
      state.refusing = refusing;
    },
    async next(to) {
      const mail = await vi.waitFor(() => find(to) ?? Promise.reject(new Error(`no mail to ${to}`)), {
        timeout: 20_000,
        interval: 20,
      });
      taken.add(mail);
      return mail;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** The token of the link in a mail. */
export const tokenOf = ({ text: body }: ReceivedMail): string => /token=([\w-]+)/.exec(body)?.[1] ?? '';

/** https://datatracker.ietf.org/doc/html/rfc2045#section-6.7 */
function bodyOf(raw: string): string {
  const [head = '', ...rest] = raw.split('\r\n\r\n');
  const body = rest.join('\r\n\r\n');
  if (!/^Content-Transfer-Encoding: quoted-printable/im.test(head)) return body;
  const bytes = body.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex: string) => `%${hex}`);
  return decodeURIComponent(bytes.replace(/%(?![0-9A-F]{2})/g, '%25'));
}
